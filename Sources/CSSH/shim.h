/* libssh, and the few Linux calls the SSH door needs that Swift cannot reach. Nothing is decided here. */
#ifndef PERIGEE_CSSH_H
#define PERIGEE_CSSH_H

#include <libssh/libssh.h>
#include <libssh/server.h>
#include <libssh/callbacks.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

extern int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);

/* The beginning of a channel as libssh 0.10 keeps it, of which its functions tell all but the last fact. */
struct cssh_channel_head {
    ssh_session session;
    uint32_t local_channel;
    uint32_t local_window;
    int local_eof;
    uint32_t local_maxpacket;
    uint32_t remote_channel;
    uint32_t remote_window;
    int remote_eof;
    uint32_t remote_maxpacket;
};

/* The largest packet of local channels, which libssh tells every client. */
static const uint32_t cssh_local_maxpacket = 35000;

/* The largest packet that a channel's client takes; 0 unless the library itself shows that the layout is the
   one above, by three facts around the one that is wanted. */
static inline uint32_t cssh_channel_remote_maxpacket(ssh_channel channel) {
    const struct cssh_channel_head *head = (const struct cssh_channel_head *)channel;
    bool is_known = head->session == ssh_channel_get_session(channel)
        && head->local_maxpacket == cssh_local_maxpacket
        && head->remote_window == ssh_channel_window_size(channel);
    return is_known ? head->remote_maxpacket : 0;
}

#endif
