/* What the checks of the C target share. They see its inside: the state's layout and its environment. */
#ifndef PERIGEE_CLUAHOST_CHECKS_H
#define PERIGEE_CLUAHOST_CHECKS_H
#include "../../Sources/CLuaHost/host.h"

#include <stdio.h>

#define MILLISECOND 1000000L

/* The limits that a plugin has by default. */
extern const clh_limits default_limits;

/* Ends the program with a message. */
#define FAIL(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))
#define CHECK(condition) ((condition) ? (void)0 : (void)FAIL("%s:%d: %s", __FILE__, __LINE__, #condition))

/* A state with default limits and one host function of each kind, below `test`. NULL without memory. */
clh_state *open_state_or_null(const clh_limits *limits);
/* Ends the program when there is no state. NULL: the default limits. */
clh_state *open_state(const clh_limits *limits);
/* Ends the program when the heap's count is not 0 after all objects are freed. */
void close_state(clh_state *host);

/* How a run ended. */
typedef struct ending {
    clh_outcome outcome;
    clh_error error;
    clh_kill kill;
    char message[CLH_TEXT_MAX + 64];
    int turns, calls;
    int64_t cpu, longest_turn; /* ns of the thread's CPU time, which a busy machine does not lengthen */
} ending;

/* Runs to the end, answering host calls. */
void finish_run(clh_state *host, uint64_t run, ending *end);
/* Loads a source as main.lua in the state. */
void run_source(clh_state *host, const char *source, int64_t cpu_max, ending *end);
/* The last function that `test.on(fn)` handed over, or 0. */
extern int32_t handed_function;
/* How many calls of `json.encode` and `json.decode` were not left to the host, which refuses them. */
extern int json_answers;
#endif
