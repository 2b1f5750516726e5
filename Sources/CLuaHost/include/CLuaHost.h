#ifndef PERIGEE_CLUAHOST_H
#define PERIGEE_CLUAHOST_H
/*
 * CLuaHost: runs untrusted Lua 5.4 code for a host that is written in another language.
 *
 * Invariants
 *  - This library owns every C frame between lua_resume and the virtual machine. A host callback is
 *    entered with plain buffers, must not call anything here but clh_reply*, clh_self and clh_fast_room, and
 *    returns before anything is raised or pushed, so that a longjmp never crosses a host frame.
 *  - Values cross as MessagePack, in buffers outside the Lua heap. A Lua function crosses as extension
 *    type 1: a big-endian int32 id, then the state's uint32 generation.
 *  - An object of the host's is a class and a number of the host's choice; Lua code cannot make, change or
 *    pass one, only call its methods. It crosses into Lua as extension type 2 with a length of four bytes: a
 *    big-endian uint32 class, an int64 id, and one value, the map of its fields or nil.
 *  - Fast functions take and give scalars, and tables of scalars, instead. The bytes of a text argument are
 *    lent, read-only, until the callback returns; its value is on the Lua stack for that long.
 *  - A run is a coroutine with a number that is never used again; a finished, failed or killed run cannot
 *    be resumed.
 *  - A state is used by one thread at a time. Which thread may change between turns.
 *  - No hook is set while code runs within its slice. A watchdog thread signals the thread when the slice
 *    is over; the handler sets a count hook on the coroutine that runs there.
 *
 * Limits that hold here: heap, single block, encoded values, nesting depth, C stack, CPU time of a run,
 * size of texts.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clh_state clh_state;
typedef struct clh_watchdog clh_watchdog;

/* Limits of one state. Sizes in bytes, times in nanoseconds. */
typedef struct clh_limits {
    size_t heap_max;
    size_t block_max;
    size_t value_max; /* of what leaves the state, encoded */
    size_t source_max;
    int64_t slice;
    int depth_max;
} clh_limits;

/* How a host function runs; see LuaHostFunction.Kind. */
typedef enum clh_kind {
    CLH_IMMEDIATE = 0,
    CLH_FAST,
    CLH_WAITING,
    CLH_PAGES,
    CLH_BRACKET,
    CLH_LOADING,
    CLH_INDEX
} clh_kind;

typedef enum clh_option {
    CLH_TAKES_FUNCTIONS = 1, /* Lua functions may be among the arguments */
    CLH_WANTS_POSITION = 2   /* the caller's place is told; it costs about 100 ns */
} clh_option;

/* What a host function answered. */
typedef enum clh_status {
    CLH_VALUES = 0, /* bytes: one MessagePack list of results */
    CLH_MISUSE,     /* bytes: text, raised at the caller's line */
    CLH_OUTCOME     /* bytes: MessagePack list of code and message, returned as nil, {code=, message=} */
} clh_status;

typedef enum clh_log_source { CLH_LOG_PRINT = 0, CLH_LOG_WARN } clh_log_source;

typedef enum clh_type {
    CLH_NIL = 0,
    CLH_BOOLEAN,
    CLH_INTEGER,
    CLH_FLOAT,
    CLH_TEXT,
    CLH_NAME, /* a result's text, as `name` */
    CLH_LIST, /* `length` items follow */
    CLH_MAP,  /* `length` pairs of a text and a value follow */
    CLH_ENCODED, /* a result's text, one MessagePack value */
    CLH_OTHER /* an argument of an attempt that is none of these */
} clh_type;

/* A value without parts, or the head of a table. `length` is a text's; a float is finite. An argument that
 * is a table has its own items, all of them without parts unless the call is an attempt. */
typedef struct clh_scalar {
    clh_type type;
    size_t length;
    union {
        int boolean;
        int64_t integer;
        double number;
        const uint8_t *text;
        const char *name;               /* ends with a zero and is never freed: a literal */
        const struct clh_scalar *items; /* of an argument */
    };
} clh_scalar;

/* One call of a fast function. The callback fills `results`, a table's items after its head, with texts of
 * its own copied to `bytes`, and counts all of them; or it writes the text of a misuse to `bytes` and sets
 * `is_misuse`. An attempt sets `is_passed` to have the function's own way taken instead. */
typedef struct clh_fast_call {
    clh_state *state;
    uint64_t run; /* which calls */
    int64_t self; /* of a method: the object's id */
    const clh_scalar *arguments;
    clh_scalar *results;
    uint8_t *bytes;
    int argument_count, result_count;
    int result_capacity;
    int is_misuse, is_overflown, is_passed;
    int has_large; /* a text that `bytes` has no room for */
    size_t byte_count, byte_capacity;
} clh_fast_call;

/* Entered on the Lua thread, below Lua frames; see the first invariant. */
typedef struct clh_callbacks {
    void *owner;
    /* Must call clh_reply once. `position` is "main.lua:12", or "" where it is unknown or not wanted. */
    void (*immediate)(void *owner, int op, const uint8_t *arguments, size_t length, const char *position);
    /* `function` is what clh_add_fast_function was given. */
    void (*fast)(void *function, clh_fast_call *call);
    void (*log)(void *owner, clh_log_source source, const char *text, size_t length, const char *position);
    /* The slice is over and the run cannot give way: it keeps its thread. Told at the end of each slice; may
     * be NULL. */
    void (*held)(void *owner);
    /* A JSON function has answered without the host; `function` is what clh_add_json_function was given. */
    void (*answered)(void *function);
    /* Writes a finite number as text of at most 32 bytes, and gives how many. */
    size_t (*write_number)(double number, uint8_t *to);
} clh_callbacks;

/* ---- a state ------------------------------------------------------------------------------------------- */

/* NULL when there is no memory. `generation` marks this state's function references. */
clh_state *clh_open(const clh_limits *limits, const clh_callbacks *callbacks, uint32_t generation);
/* Frees everything at once; runs no Lua code and visits no object. */
void clh_close(clh_state *state);

/* Adds a class of objects before its methods; `has_fields`: of its own per object. Its number, or -1 without
 * memory. */
int clh_add_class(clh_state *state, const char *name, int has_fields);
/* Adds a function at a dotted path, or a method, "perigee.Cache:get". `names`: parameter names for messages,
 * separated by spaces. `options`: of clh_option. 0, or -1 without memory. */
int clh_add_function(clh_state *state, const char *path, const char *names, clh_kind kind, int options,
                     int op);
/* Adds a fast function, which the callback finds by `function`. 0, or -1 without memory. */
int clh_add_fast_function(clh_state *state, const char *path, const char *names, void *function);
/* Adds a function that first tries to answer as a fast one. It gets tables in tables, too, and what is no
 * plain data, large or deep as CLH_OTHER. */
int clh_add_attempted_function(clh_state *state, const char *path, const char *names, clh_kind kind,
                               int options, int op, void *function);
typedef enum clh_json_work { CLH_JSON_WRITE = 0, CLH_JSON_READ } clh_json_work;
/* Adds a function that turns a plain value into JSON, or the other way. It answers without the host what is
 * in order and not unusual; all else, errors among it, is asked of the host as an immediate function. */
int clh_add_json_function(clh_state *state, const char *path, const char *names, clh_json_work work, int op,
                          void *function);
/* Sets a constant at a dotted path, from MessagePack. 0 or -1. */
int clh_add_constant(clh_state *state, const char *path, const uint8_t *bytes, size_t length);
/* Adds a source under its relative path, such as "lib/x.lua"; copied. 0, or -1 without memory. */
int clh_add_source(clh_state *state, const char *name, const uint8_t *bytes, size_t length);
/* Ends a handed-over function's stay; unknown ids are ignored. */
void clh_release_function(clh_state *state, int32_t id);

typedef struct clh_statistics {
    size_t heap, heap_peak;
    uint64_t allocations_refused, host_calls;
    int64_t cpu;
} clh_statistics;
void clh_read_statistics(const clh_state *state, clh_statistics *statistics);

/* Answers the host call in progress; copies the bytes. -1 without memory (the call then raises). */
int clh_reply(clh_state *state, clh_status status, const uint8_t *bytes, size_t length);
/* The same with values written in place: where to, of which size, and then how many bytes. */
uint8_t *clh_reply_space(clh_state *state, size_t *size);
void clh_reply_written(clh_state *state, size_t length);
/* The id of the object whose method is called now; 0 for a function. */
int64_t clh_self(const clh_state *state);
/* Room for one text among the results of a fast call; NULL without memory. It may be larger than `bytes`
 * holds, once in a call: then NULL, too. */
uint8_t *clh_fast_room(clh_fast_call *call, size_t length);

/* ---- runs ---------------------------------------------------------------------------------------------- */

/* Both give the run's number, or 0 when there is no memory or the state was abandoned. Nothing runs before
 * clh_resume. `cpu_max` is
 * in ns. */
uint64_t clh_begin_load(clh_state *state, const char *source, int64_t cpu_max);
/* `arguments`: one MessagePack list; copied. */
uint64_t clh_begin_call(clh_state *state, int32_t function, const uint8_t *arguments, size_t length,
                        int64_t cpu_max);
/* Forgets a run that waits; its coroutine is dropped and no code of it runs again. */
void clh_drop(clh_state *state, uint64_t run);

typedef enum clh_outcome {
    CLH_DONE = 0, /* bytes: MessagePack list of results */
    CLH_ERROR,    /* error, message, traceback */
    CLH_CALL,     /* op, phase, bytes, extra, token, succeeded, position: clh_reply, then clh_resume */
    CLH_SLICE,    /* the turn is over; resume later */
    CLH_KILLED,   /* kill */
    CLH_NO_RUN    /* no such run: it has ended */
} clh_outcome;

typedef enum clh_error {
    CLH_ERROR_RUNTIME = 0,
    CLH_ERROR_SYNTAX,
    CLH_ERROR_MEMORY,
    CLH_ERROR_RESULT, /* what a call returned is no plain data */
    CLH_ERROR_HOST    /* no such function, or malformed arguments */
} clh_error;
typedef enum clh_kill { CLH_ALIVE = 0, CLH_KILL_TIMEOUT, CLH_KILL_MEMORY } clh_kill;
typedef enum clh_phase {
    CLH_PHASE_CALL = 0,
    CLH_PHASE_PAGE,  /* bytes: arguments, extra: cursor or empty; answer [items, cursor as bin, tuples] */
    /* succeeded: whether a function was passed; answer [token, [arguments]]; loading: also a function's id,
     * or [false, results...] */
    CLH_PHASE_ENTER,
    CLH_PHASE_LEAVE  /* token, succeeded; loading: bytes, what the function gave; answer any values */
} clh_phase;

/* Pointers are valid until the next call with this state. */
typedef struct clh_result {
    clh_outcome outcome;
    clh_error error;
    clh_kill kill;
    clh_phase phase;
    int op;
    int succeeded;
    int64_t token;
    int64_t self; /* of a method: the object's id */
    const uint8_t *bytes;
    size_t length;
    const uint8_t *extra;
    size_t extra_length;
    const char *message;
    size_t message_length;
    const char *traceback;
    size_t traceback_length;
    const char *position;
    size_t memory_limit; /* on CLH_ERROR_MEMORY and CLH_KILL_MEMORY: the limit that was reached */
} clh_result;

/* Runs until the run ends, waits, or its slice is over. On CLH_DONE, CLH_ERROR and CLH_KILLED the run is
 * forgotten. */
void clh_resume(clh_state *state, uint64_t run, clh_result *result);
/* Whether a run had to be left while Lua was in the middle of something, being far over its budget (it was
 * CLH_KILLED). Nothing of the state runs any more: no run begins or goes on, and it can only be closed. */
int clh_is_abandoned(const clh_state *state);

/* ---- time ---------------------------------------------------------------------------------------------- */

/* A watchdog thread for any number of Lua threads; NULL when it cannot be started. Sleeps while no Lua
 * code runs. */
clh_watchdog *clh_watchdog_start(void);
/* All its threads must have left. */
void clh_watchdog_stop(clh_watchdog *watchdog);
/* Makes the calling thread one that the watchdog looks after; -1 without memory. A thread that has not
 * entered gets no slices, and budgets do not end its runs. */
int clh_thread_enter(clh_watchdog *watchdog);
void clh_thread_leave(void);
/* The CPU time of one job of the calling thread, which counts as its wall time when it is short. */
typedef struct clh_job {
    int64_t wall, cpu;
} clh_job;
void clh_job_begin(clh_job *job);
int64_t clh_job_end(const clh_job *job); /* ns */
/* Names the calling thread for the system's tools; 15 bytes of it. */
void clh_thread_name(const char *name);

#ifdef __cplusplus
}
#endif
#endif
