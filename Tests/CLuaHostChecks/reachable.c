/* The frozen list of what code in the sandbox can reach: fails on any name that is new or missing.
 * Usage: reachable FOLDER [--write] */
#include "checks.h"

#include <stdlib.h>

#define LIST_MAX (64 << 10)

static char found[LIST_MAX];

static void collect(void *owner, clh_log_source source, const char *text, size_t length,
                    const char *position) {
    (void)owner, (void)source, (void)position;
    CHECK(strlen(found) + length + 2 < LIST_MAX);
    strncat(found, text, length);
    strcat(found, "\n");
}

static char *read_file(const char *folder, const char *name) {
    char path[1000];
    static char text[LIST_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file) FAIL("%s cannot be read", path);
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    return text;
}

static void write_list(const char *folder) {
    char path[1000];
    snprintf(path, sizeof path, "%s/reachable-names.txt", folder);
    FILE *file = fopen(path, "w");
    if (!file) FAIL("%s cannot be written", path);
    fputs(found, file);
    fclose(file);
}

/* Prints the lines of `a` that `b` has not. */
static int lines_missing(const char *a, const char *b, const char *what) {
    int count = 0;
    for (const char *at = a; *at;) {
        char line[400];
        int length = (int)strcspn(at, "\n");
        snprintf(line, sizeof line, "\n%.*s\n", length, at);
        const char *rest = strncmp(b, line + 1, strlen(line + 1)) == 0 ? b : strstr(b, line);
        if (!rest) {
            printf("%s: %.*s\n", what, length, at);
            count++;
        }
        at += length + (at[length] == '\n');
    }
    return count;
}

int main(int count, char **arguments) {
    static const char main_source[] = "for _, line in ipairs(require 'reachable') do print(line) end";
    if (count < 2) FAIL("usage: reachable FOLDER [--write]");
    clh_callbacks callbacks = {.log = collect};
    clh_state *host = clh_open(&default_limits, &callbacks, 1);
    CHECK(host);
    const char *walker = read_file(arguments[1], "reachable.lua");
    CHECK(clh_add_source(host, "reachable.lua", (const uint8_t *)walker, strlen(walker)) == 0);
    ending end;
    run_source(host, main_source, 1000 * MILLISECOND, &end);
    if (end.outcome != CLH_DONE) FAIL("%s", end.message);
    close_state(host);
    if (count > 2 && strcmp(arguments[2], "--write") == 0) write_list(arguments[1]);
    const char *allowed = read_file(arguments[1], "reachable-names.txt");
    int wrong = lines_missing(found, allowed, "new") + lines_missing(allowed, found, "missing");
    if (wrong == 0) printf("reachable: exactly the names of reachable-names.txt\n");
    else printf("reachable: if it is meant, run `.ci/check-c --write-names` and have it reviewed\n");
    return wrong != 0;
}
