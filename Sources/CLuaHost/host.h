/* Inside of CLuaHost: the state's layout and what the files share. */
#ifndef PERIGEE_CLUAHOST_HOST_H
#define PERIGEE_CLUAHOST_HOST_H
#include "CLuaHost.h"
#include "library/matcher.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define CLH_TEXT_MAX 8192      /* messages, tracebacks and log lines */
#define CLH_POSITION_MAX 160   /* "lib/x.lua:12" */
#define CLH_FAST_VALUES 16     /* arguments, or results, of a fast host function; below LUA_MINSTACK */
#define CLH_FAST_ITEMS 256     /* in its table arguments together, or values in all of its results */
#define CLH_FAST_DEPTH 8       /* tables in a table argument of an attempt */
#define CLH_FAST_BYTES 4096    /* texts among its results */
#define CLH_STACK_MAX (768 << 10) /* C stack below the entry into a turn, checked where coroutines nest */
#define CLH_NAMES_KEPT (32 << 10) /* bytes that a state keeps for the names in JSON */
#define CLH_FAILURES_MAX 64    /* refused allocations after which a run is ended */
#define CLH_NEW_FUNCTIONS 32   /* functions that one host call may hand over */
#define CLH_EXTENSION_FUNCTION 1
#define CLH_EXTENSION_OBJECT 2

/* A buffer outside the Lua heap that grows and is owned by the state, so that a longjmp leaks nothing. */
typedef struct clh_buffer {
    uint8_t *data;
    size_t length, capacity;
} clh_buffer;

/* Where the Lua heap's blocks come from; see blocks.c. */
#define CLH_BLOCK_KINDS 32
typedef struct clh_blocks {
    struct clh_page *open[CLH_BLOCK_KINDS], *empty;
    struct clh_region *regions;
    struct clh_large *large;
    char *fresh, *fresh_end;
    size_t held, held_max;
} clh_blocks;

/* A class of objects of the host's; see objects.c. */
typedef struct clh_class {
    char *name;
    int number, has_fields;
    struct clh_class *next;
} clh_class;

/* One host function. */
typedef struct clh_op {
    clh_state *host;
    const clh_class *receiver; /* of a method */
    char *path;
    char *names;
    clh_kind kind;
    int options; /* clh_option */
    int index;
    void *function; /* fast or attempted: the callback's */
    struct clh_op *next;
} clh_op;

typedef struct clh_source {
    char *name;
    uint8_t *bytes;
    size_t length;
    struct clh_source *next;
} clh_source;

typedef struct clh_run {
    uint64_t number;
    lua_State *thread;
    int64_t cpu, cpu_max;
    const char *source;      /* load: which source; else NULL */
    int32_t function;
    uint8_t *arguments;      /* owned */
    size_t arguments_length;
    unsigned refused;        /* allocations */
    clh_error error;         /* what an error would be at this point */
    struct clh_run *next;
} clh_run;

/* Why the coroutines unwind to the top although no user code yielded. */
typedef enum clh_control {
    CLH_CONTROL_NONE = 0,
    CLH_CONTROL_CALL,
    CLH_CONTROL_SLICE,
    CLH_CONTROL_KILL
} clh_control;

/* What is known of an error that went through a coroutine. */
typedef enum clh_noted { CLH_NOTED_NONE = 0, CLH_NOTED_TEXT, CLH_NOTED_OBJECT } clh_noted;

struct clh_state {
    lua_State *main;
    clh_limits limits;
    clh_callbacks callbacks;
    uint32_t generation;
    uint64_t seed[2];
    /* heap */
    clh_blocks blocks;
    size_t heap, heap_peak;
    size_t heap_kept;              /* after the last collection by clh_make_room */
    uint64_t refused;
    size_t limit_hit;              /* the limit that refused last */
    /* definitions */
    clh_op *ops;
    clh_class *classes;
    clh_source *sources;
    /* runs */
    clh_run *runs;
    clh_run *running;              /* the run whose turn it is */
    uint64_t next_run;
    uint64_t host_calls;
    int64_t cpu;
    /* the turn; the signal handler reads and writes the volatile ones */
    lua_State *volatile current;   /* the coroutine that executes */
    volatile sig_atomic_t expired; /* somebody wants the hook to look at the clock */
    clh_control control;
    clh_kill kill;
    int blocked;                   /* resumes under way whose resumer cannot yield */
    char *stack_top;               /* the frame of the turn's entry */
    /* leaving without Lua's consent; see leave.c */
    sigjmp_buf way_out;
    volatile sig_atomic_t can_leave;
    int abandoned;
    int64_t turn_wall, turn_cpu;   /* clocks at the beginning of the turn */
    int64_t slice_end;
    int is_held;                   /* the host was told that the slice is over */
    /* crossings */
    int64_t self;                  /* the object whose method is called */
    clh_buffer arguments, reply;
    clh_buffer names;              /* of the tables that are being written as JSON */
    clh_status reply_status;
    int replied;
    clh_result call;
    char position[CLH_POSITION_MAX];
    int new_functions[CLH_NEW_FUNCTIONS];
    int new_function_count;
    clh_fast_call fast;
    clh_scalar fast_arguments[CLH_FAST_VALUES], fast_results[CLH_FAST_ITEMS];
    clh_scalar *fast_items;        /* CLH_FAST_ITEMS of them, once a table was passed */
    uint8_t fast_bytes[CLH_FAST_BYTES];
    /* errors */
    char message[CLH_TEXT_MAX + 64];
    size_t message_length;
    char traceback[CLH_TEXT_MAX + 64];
    size_t traceback_length;
    char deep[CLH_TEXT_MAX + 64];  /* traceback of a coroutine whose error was passed on */
    size_t deep_length;
    clh_noted deep_error_kind;     /* which error `deep` belongs to */
    uint64_t deep_error;           /* its hash, when it is a text, and its length */
    size_t deep_error_length;
    clh_choice choices[CLH_CHOICES_MAX]; /* of the pattern match that runs now */
};

/* Every Lua thread's extra space holds its state, and marks in the lowest bits: a coroutine that must not be
 * resumed by Lua code, being a run's own, or waiting for the host; and one that one of our functions may have
 * called back, from where the host can be waited for but stock Lua cannot yield (an error leaves it set). */
#define CLH_BUSY ((uintptr_t)1)
#define CLH_CALLED_BACK ((uintptr_t)2)
static inline clh_state *clh_host(lua_State *L) {
    return (clh_state *)(*(uintptr_t *)lua_getextraspace(L) & ~(CLH_BUSY | CLH_CALLED_BACK));
}
static inline int clh_is_marked(lua_State *L, uintptr_t mark) {
    return (*(uintptr_t *)lua_getextraspace(L) & mark) != 0;
}
static inline void clh_mark(lua_State *L, uintptr_t mark, int is_set) {
    uintptr_t *word = (uintptr_t *)lua_getextraspace(L);
    *word = is_set ? *word | mark : *word & ~mark;
}
static inline int clh_is_busy(lua_State *L) { return clh_is_marked(L, CLH_BUSY); }
static inline void clh_set_busy(lua_State *L, int busy) { clh_mark(L, CLH_BUSY, busy); }
static inline int clh_is_called_back(lua_State *L) { return clh_is_marked(L, CLH_CALLED_BACK); }
static inline void clh_set_called_back(lua_State *L, int is) { clh_mark(L, CLH_CALLED_BACK, is); }
/* Whether a yield from L reaches the host: neither L nor any resumer is inside a C function that cannot
 * continue. */
static inline int clh_can_yield(clh_state *host, lua_State *L) {
    return host->blocked == 0 && lua_isyieldable(L);
}

/* Between these, the turn must not be left: something of the C library, or the host's, is under way. */
static inline int clh_stay(clh_state *host) {
    int could_leave = host->can_leave;
    host->can_leave = 0;
    atomic_signal_fence(memory_order_seq_cst);
    return could_leave;
}
static inline void clh_may_leave(clh_state *host, int can_leave) {
    atomic_signal_fence(memory_order_seq_cst);
    host->can_leave = can_leave;
}

/* buffer.c */
int clh_buffer_reserve(clh_buffer *buffer, size_t more);  /* 0, or -1 without memory */
void clh_buffer_trim(clh_buffer *buffer, size_t capacity_max); /* gives back one that is larger */
int clh_buffer_set(clh_buffer *buffer, const uint8_t *bytes, size_t length);

/* blocks.c */
void clh_blocks_open(clh_blocks *blocks, size_t size_max);
void clh_blocks_close(clh_blocks *blocks); /* every block is gone */
void *clh_allocate(void *state, void *block, size_t old_size, size_t new_size); /* lua_Alloc */

/* encode.c: each raises at the caller's line, naming the place */
void clh_encode(clh_state *host, lua_State *L, const clh_op *op, int first, int count);
/* Refuses an argument, counted from 0, by its name. */
int clh_refuse_argument(lua_State *L, const clh_op *op, int argument, const char *why);
void clh_forget_new_functions(clh_state *host, lua_State *L);
int clh_is_text(const char *text, size_t length); /* well-formed UTF-8 */

/* decode.c: each raises on malformed bytes */
/* Pushes a list's elements; gives how many. */
int clh_decode_list(lua_State *L, const uint8_t *bytes, size_t length);
void clh_decode_value(lua_State *L, const uint8_t *bytes, size_t length); /* pushes one value */

/* objects.c */
void clh_push_object(clh_state *host, lua_State *L, uint32_t class_number, int64_t id); /* no fields yet */
/* The id of the receiver at index 1; raises for anything else. */
int64_t clh_receiver(lua_State *L, const clh_op *op);
/* The same for a call that begins, noted in `host->self`; its arguments begin at index 1 then. */
static inline void clh_take_receiver(clh_state *host, lua_State *L, const clh_op *op) {
    host->self = 0;
    if (!op->receiver) return;
    host->self = clh_receiver(L, op);
    lua_remove(L, 1);
}
int clh_make_class(lua_State *L);              /* protected: light userdata clh_class */
void clh_push_methods(lua_State *L, const clh_class *kind);

/* call.c */
lua_CFunction clh_call_function(clh_kind kind);
int clh_index_field(lua_State *L); /* upvalues: fields, op */
int clh_raise(lua_State *L, const char *text, size_t length);
void clh_log(clh_state *host, clh_log_source source, const char *text, size_t length, const char *position);

/* fast.c */
int clh_call_fast(lua_State *L);
int clh_attempt(lua_State *L);
int clh_attempt_field(lua_State *L, const clh_op *op, int key); /* results, or 0 when it was passed on */

/* pages.c, bracket.c, loading.c */
int clh_pages(lua_State *L);
int clh_bracket(lua_State *L);
int clh_load(lua_State *L);
/* Yields to the host; the stack is kept, and `k` finds the answer in the reply. */
int clh_wait(clh_state *host, lua_State *L, const clh_op *op, clh_phase phase, lua_KContext context,
             lua_KFunction k);
void clh_require_yieldable(clh_state *host, lua_State *L, const clh_op *op);
/* Begins a call that waits: checks that it can, counts it, makes the first `count` values its arguments. */
void clh_take_arguments(clh_state *host, lua_State *L, const clh_op *op, int count);
int clh_push_reply(clh_state *host, lua_State *L); /* results of the reply, or raises */
int clh_push_outcome(clh_state *host, lua_State *L);

/* library/: replaced library functions */
extern const luaL_Reg clh_base_functions[];
extern const luaL_Reg clh_coroutine_functions[];
extern const luaL_Reg clh_search_functions[];
extern const luaL_Reg clh_string_functions[];
extern const luaL_Reg clh_table_functions[];
int clh_format(lua_State *L);
int clh_sort(lua_State *L);
int clh_substitute(lua_State *L);              /* string.gsub */
int clh_to_text(lua_State *L);                 /* tostring */
void clh_make_room(lua_State *L);              /* before a text is put together in a buffer */
int clh_write_json(lua_State *L);              /* upvalue: op */
int clh_read_json(lua_State *L);
int clh_print(lua_State *L);
void clh_push_text(lua_State *L, int index);   /* tostring without addresses; may call __tostring */
#define CLH_IDENTITY_MAX 20
void clh_write_identity(const clh_state *host, const void *object, char *to);
/* source.c */
int clh_require(lua_State *L);                 /* upvalue: table of loaded modules */
/* Pushes the chunk and gives 0, or a message and gives -1. */
int clh_load_source(clh_state *host, lua_State *L, const char *name);

/* library/environment.c */
extern char clh_environment_key, clh_functions_key, clh_modules_key;
extern char clh_noted_key; /* errors.c */
int clh_build_environment(lua_State *L);       /* protected; upvalue-free */

/* modules.c */
int clh_install(lua_State *L);                 /* protected: light userdata clh_install_request */
typedef struct clh_install_request {
    const char *path;
    const clh_op *op;          /* a function, or */
    lua_CFunction call;
    const uint8_t *bytes;      /* a constant */
    size_t length;
} clh_install_request;
int clh_is_module(lua_State *L, int index);

/* turn.c */
void clh_arm(clh_state *host);                 /* async-signal-safe */
void clh_enter_coroutine(clh_state *host, lua_State *L);
int clh_die(lua_State *L);                     /* ends the run: yields if that can be, else raises */
/* For loops in C, which no hook interrupts. Both end a run whose budget is used up. clh_poll gives 1 when the
 * slice is over and the caller can give way, by clh_pause. */
int clh_poll(clh_state *host, lua_State *L);
void clh_check_budget(clh_state *host, lua_State *L);
int clh_pause(lua_State *L, lua_KContext context, lua_KFunction k); /* to be returned */
void clh_turn_begin(clh_state *host);
void clh_turn_end(clh_state *host);
int clh_stack_is_deep(clh_state *host);

/* leave.c */
void clh_leave_prepare(void);                  /* once per process */
void clh_leave_if_overdue(clh_state *host, const void *context); /* in the signal's handler */

/* errors.c */
void clh_describe_error(clh_state *host, lua_State *thread);          /* fills message and traceback */
void clh_note_coroutine_error(lua_State *L, lua_State *co);           /* before the coroutine is unwound */
void clh_noted_error_is(lua_State *L);                                /* the error on top is raised now */
void clh_position(lua_State *L, char *buffer);                        /* of the nearest Lua caller */
size_t clh_cut(char *buffer, const char *text, size_t length);        /* to CLH_TEXT_MAX with a mark */

/* watchdog.c */
int64_t clh_now(void);                         /* monotonic */
int64_t clh_thread_cpu(void);
int clh_watch(clh_state *host, int64_t deadline); /* 0 when the thread has no watchdog */
void clh_unwatch(void);
/* CPU clock at a turn's beginning: read afresh only when the last reading is older than 1 ms. */
int64_t clh_cpu_before(int64_t now);
void clh_cpu_read(int64_t now, int64_t cpu);
#endif
