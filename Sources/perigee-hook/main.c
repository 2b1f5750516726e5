/* perigee-hook: what git runs as its pre-receive and post-receive hook.

   It tells the node over a Unix socket what the push is about to change, waits for the verdict, prints the
   verdict's text for the user, and exits with the verdict's code. It uses the C library alone, so that it
   starts in a millisecond. The name it is run by (pre-receive, post-receive, ...) is the name of the hook.

   Environment: PERIGEE_HOOK_SOCKET, PERIGEE_HOOK_SECRET, and git's GIT_QUARANTINE_PATH and GIT_PUSH_OPTION_*.

   Request, numbers as 4 bytes big-endian, a field being its length and its bytes:
     "PGH1"  field: secret  field: hook name  field: quarantine path (may be empty)
     number of push options, each a field  field: standard input, the lines "old new ref\n"
   Reply:
     1 byte exit code, then a field: the text to print
   Run as no-alternate-refs it ends at once: see GitConfiguration.noAlternateRefs.
   The node's side of the same frame is GitTransport's HookFrame. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A push of 500,000 refs has about 60 MB of lines. */
#define INPUT_BYTES_MAX (64u * 1024 * 1024)
#define OPTIONS_MAX 10000
#define REPLY_BYTES_MAX (1024u * 1024)

struct buffer {
    char *bytes;
    size_t count;
    size_t capacity;
};

static void refuse(const char *sentence) {
    fprintf(stderr, "%s\n", sentence);
    exit(1);
}

static char *reserve(struct buffer *buffer, size_t count) {
    if (count > buffer->capacity - buffer->count) {
        size_t capacity = buffer->capacity * 2 + count + 4096;
        char *bytes = realloc(buffer->bytes, capacity);
        if (bytes == NULL) refuse("The push was not accepted: the server is out of memory. Try again later.");
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->count;
}

static void append(struct buffer *buffer, const void *bytes, size_t count) {
    memcpy(reserve(buffer, count), bytes, count);
    buffer->count += count;
}

static void put_number(char *place, uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) *place++ = (char)(number >> shift & 0xFF);
}

static void append_number(struct buffer *buffer, uint32_t number) {
    char bytes[4];
    put_number(bytes, number);
    append(buffer, bytes, sizeof bytes);
}

static void append_field(struct buffer *buffer, const char *text) {
    size_t count = text == NULL ? 0 : strlen(text);
    append_number(buffer, (uint32_t)count);
    if (count > 0) append(buffer, text, count);
}

static void append_options(struct buffer *buffer) {
    const char *text = getenv("GIT_PUSH_OPTION_COUNT");
    unsigned long count = text == NULL ? 0 : strtoul(text, NULL, 10);
    if (count > OPTIONS_MAX) refuse("The push was not accepted: it has too many push options.");
    append_number(buffer, (uint32_t)count);
    for (unsigned long number = 0; number < count; number++) {
        char name[40];
        snprintf(name, sizeof name, "GIT_PUSH_OPTION_%lu", number);
        append_field(buffer, getenv(name));
    }
}

static void append_input(struct buffer *buffer) {
    size_t start = buffer->count;
    append_number(buffer, 0);
    for (;;) {
        ssize_t count = read(STDIN_FILENO, reserve(buffer, 65536), 65536);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0)
            refuse("The push was not accepted: the server could not read its list of refs. Try again.");
        if (count == 0) break;
        buffer->count += (size_t)count;
        if (buffer->count - start > INPUT_BYTES_MAX)
            refuse("The push was not accepted: it changes too many refs. Push them in several parts.");
    }
    put_number(buffer->bytes + start, (uint32_t)(buffer->count - start - 4));
}

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || *path == 0 || strlen(path) >= sizeof address.sun_path) return -1;
    strcpy(address.sun_path, path);
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0) return -1;
    while (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        if (errno != EINTR) return -1;
    }
    return connection;
}

static int send_all(int connection, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(connection, bytes, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return -1;
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
}

static int receive_all(int connection, char *bytes, size_t count) {
    while (count > 0) {
        ssize_t received = recv(connection, bytes, count, 0);
        if (received < 0 && errno == EINTR) continue;
        if (received <= 0) return -1;
        bytes += received;
        count -= (size_t)received;
    }
    return 0;
}

static const char *hook_name(const char *program) {
    const char *slash = strrchr(program, '/');
    return slash == NULL ? program : slash + 1;
}

int main(int argc, char **argv) {
    /* By this name git asks for refs that it knows already: no answer is the right one. */
    if (argc > 0 && strcmp(hook_name(argv[0]), "no-alternate-refs") == 0) return 0;
    const char *secret = getenv("PERIGEE_HOOK_SECRET");
    if (argc < 1 || secret == NULL || getenv("PERIGEE_HOOK_SOCKET") == NULL)
        refuse("The push was not accepted: it did not come through the server. "
               "Push to the repository's URL.");

    struct buffer request = {0};
    append(&request, "PGH1", 4);
    append_field(&request, secret);
    append_field(&request, hook_name(argv[0]));
    append_field(&request, getenv("GIT_QUARANTINE_PATH"));
    append_options(&request);
    append_input(&request);

    int connection = connect_to(getenv("PERIGEE_HOOK_SOCKET"));
    if (connection < 0)
        refuse("The push was not accepted: the server is stopping or restarting. Try again in a moment.");
    /* A node that refuses early answers without reading on: its answer counts, not the failure to send. */
    (void)send_all(connection, request.bytes, request.count);

    unsigned char header[5];
    if (receive_all(connection, (char *)header, sizeof header) != 0)
        refuse("The push was not accepted: the server gave no answer. Try again in a moment.");
    uint32_t count = 0;
    for (size_t place = 1; place < sizeof header; place++) count = count << 8 | header[place];
    if (count > REPLY_BYTES_MAX) refuse("The push was not accepted: the server's answer makes no sense.");
    char *text = malloc((size_t)count + 1);
    if (text == NULL || receive_all(connection, text, count) != 0)
        refuse("The push was not accepted: the server's answer ended early. Try again in a moment.");
    if (count > 0) {
        if (text[count - 1] != '\n') text[count++] = '\n';
        fwrite(text, 1, count, stderr);
    }
    return header[0];
}
