/* libgit2, zlib, and the few Linux calls GitStore needs that Swift cannot reach: variadic functions, and
   functions that the C library declares only under _GNU_SOURCE. Nothing is decided here. */
#ifndef PERIGEE_CGIT2_H
#define PERIGEE_CGIT2_H

#include <git2.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <zlib.h>

extern long syscall(long number, ...);
extern int pipe2(int descriptors[2], int flags);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);

/* POSIX_SPAWN_SETSID of <spawn.h>. */
static const short cgit2_spawn_setsid = 0x80;
/* F_SETPIPE_SZ of <fcntl.h>. */
static const int cgit2_set_pipe_size = 1031;

/* A descriptor that becomes readable when the process ends; pidfd_open is call 434 on every architecture. */
static inline int cgit2_pidfd_open(pid_t process) { return (int)syscall(434, process, 0u); }

/* The one-integer form of the variadic git_libgit2_opts. */
static inline int cgit2_set_option(int option, int value) { return git_libgit2_opts(option, value); }

/* The size form of the variadic git_libgit2_opts. */
static inline int cgit2_set_size_option(int option, ptrdiff_t value) {
    return git_libgit2_opts(option, value);
}

/* Sets where configuration of one level is looked for; an empty path means nowhere. */
static inline int cgit2_set_search_path(int level, const char *path) {
    return git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, path);
}

#endif
