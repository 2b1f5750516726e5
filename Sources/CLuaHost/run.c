/* Runs: a coroutine per load or call, its turns, and how it ends. The coroutine is made in the first turn,
 * so that garbage that Lua then collects is collected on the run's time. */
#include "host.h"

#include <stdlib.h>

static clh_run *begin(clh_state *host, int64_t cpu_max) {
    if (host->abandoned) return NULL;
    clh_run *run = calloc(1, sizeof *run);
    if (!run) return NULL;
    run->cpu_max = cpu_max;
    run->number = ++host->next_run;
    run->next = host->runs;
    host->runs = run;
    return run;
}

/* Takes the run out of the list; its coroutine becomes garbage. Setting an existing field to nil allocates
 * nothing. */
static void forget(clh_state *host, clh_run *run) {
    for (clh_run **link = &host->runs; *link; link = &(*link)->next) {
        if (*link != run) continue;
        *link = run->next;
        break;
    }
    if (run->thread && !host->abandoned) {
        lua_settop(host->main, 0);
        lua_pushnil(host->main);
        lua_rawsetp(host->main, LUA_REGISTRYINDEX, run);
    }
    free(run->arguments);
    free(run);
}

uint64_t clh_begin_load(clh_state *host, const char *source, int64_t cpu_max) {
    const clh_source *found = host->sources;
    while (found && strcmp(found->name, source) != 0) found = found->next;
    clh_run *run = begin(host, cpu_max);
    if (!run) return 0;
    run->source = found ? found->name : "";
    return run->number;
}

uint64_t clh_begin_call(clh_state *host, int32_t function, const uint8_t *arguments, size_t length,
                        int64_t cpu_max) {
    clh_run *run = begin(host, cpu_max);
    if (!run) return 0;
    run->function = function;
    run->arguments = malloc(length + 1);
    if (!run->arguments) {
        forget(host, run);
        return 0;
    }
    if (length) memcpy(run->arguments, arguments, length);
    run->arguments_length = length;
    return run->number;
}

static clh_run *find(clh_state *host, uint64_t number) {
    clh_run *run = host->runs;
    while (run && run->number != number) run = run->next;
    return run;
}

void clh_drop(clh_state *host, uint64_t number) {
    clh_run *run = find(host, number);
    if (run) forget(host, run);
}

/* ---- the coroutine's body ------------------------------------------------------------------------------ */

static int returned(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    clh_state *host = clh_host(L);
    host->running->error = CLH_ERROR_RESULT;
    if (host->running->source) host->arguments.length = 0; /* a main chunk's results mean nothing */
    else {
        luaL_checkstack(L, 2, NULL); /* results may fill it */
        clh_encode(host, L, NULL, 1, lua_gettop(L));
    }
    return 0;
}

static int body(lua_State *L) {
    clh_state *host = clh_host(L);
    clh_run *run = host->running;
    int count = 0;
    if (run->source) {
        run->error = CLH_ERROR_SYNTAX;
        if (clh_load_source(host, L, run->source) != 0) return lua_error(L);
    } else {
        run->error = CLH_ERROR_HOST;
        lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_functions_key);
        if (run->function <= 0 || lua_rawgeti(L, 1, run->function) != LUA_TFUNCTION) {
            return luaL_error(L, "there is no such function any more");
        }
        lua_remove(L, 1);
        count = clh_decode_list(L, run->arguments, run->arguments_length);
        int could_leave = clh_stay(host);
        free(run->arguments);
        run->arguments = NULL;
        clh_may_leave(host, could_leave);
    }
    run->error = CLH_ERROR_RUNTIME;
    lua_callk(L, count, LUA_MULTRET, 0, returned);
    return returned(L, LUA_OK, 0);
}

/* ---- a turn -------------------------------------------------------------------------------------------- */

static void describe(clh_state *host, clh_run *run, int status, clh_result *result) {
    result->outcome = CLH_ERROR;
    result->error = status == LUA_ERRMEM ? CLH_ERROR_MEMORY : run->error;
    result->memory_limit = host->limit_hit;
    clh_describe_error(host, run->thread);
    result->message = host->message;
    result->message_length = host->message_length;
    result->traceback = host->traceback;
    result->traceback_length = host->traceback_length;
}

static void settle(clh_state *host, clh_run *run, int status, clh_result *result) {
    if (host->kill) {
        result->outcome = CLH_KILLED;
        result->kill = host->kill;
        result->memory_limit = host->limit_hit;
    } else if (status == LUA_YIELD && host->control == CLH_CONTROL_CALL) {
        *result = host->call;
    } else if (status == LUA_YIELD) {
        result->outcome = CLH_SLICE;
    } else if (status == LUA_OK) {
        result->outcome = CLH_DONE;
        result->bytes = host->arguments.data;
        result->length = host->arguments.length;
    } else {
        describe(host, run, status, result);
    }
}

/* Protected. 1: light userdata of the run. Makes its coroutine and keeps it alive. */
static int make_thread(lua_State *L) {
    clh_run *run = lua_touserdata(L, 1);
    lua_State *thread = lua_newthread(L);
    clh_set_busy(thread, 1); /* Lua code that gets hold of it must not resume it */
    lua_pushcfunction(thread, body);
    lua_rawsetp(L, LUA_REGISTRYINDEX, run);
    run->thread = thread;
    return 0;
}

/* Everything that may collect garbage, or run code, on the plugin's behalf. -1 when the turn was left
 * without Lua's consent. */
static __attribute__((noinline)) int take_turn(clh_state *host, clh_run *run, clh_result *result) {
    int results;
    if (sigsetjmp(host->way_out, 0)) return -1;
    clh_may_leave(host, 1);
    if (!run->thread) {
        lua_settop(host->main, 0);
        lua_pushcfunction(host->main, make_thread);
        lua_pushlightuserdata(host->main, run);
        if (lua_pcall(host->main, 1, 0, 0) != LUA_OK) {
            lua_settop(host->main, 0);
            result->outcome = CLH_ERROR;
            result->error = CLH_ERROR_MEMORY;
            result->memory_limit = host->limit_hit;
            clh_stay(host);
            return 0;
        }
        clh_enter_coroutine(host, run->thread);
    }
    settle(host, run, lua_resume(run->thread, NULL, 0, &results), result);
    clh_stay(host);
    return 0;
}

void clh_resume(clh_state *host, uint64_t number, clh_result *result) {
    memset(result, 0, sizeof *result);
    clh_run *run = host->abandoned ? NULL : find(host, number);
    if (!run) {
        result->outcome = CLH_NO_RUN;
        return;
    }
    host->running = run;
    host->fast.run = number;
    host->stack_top = __builtin_frame_address(0);
    clh_turn_begin(host);
    if (take_turn(host, run, result) != 0) {
        host->abandoned = 1;
        result->outcome = CLH_KILLED;
        result->kill = host->kill == CLH_KILL_MEMORY ? CLH_KILL_MEMORY : CLH_KILL_TIMEOUT;
        result->memory_limit = host->limit_hit;
    }
    clh_turn_end(host);
    host->running = NULL;
    if (result->outcome != CLH_CALL && result->outcome != CLH_SLICE) forget(host, run);
}

int clh_is_abandoned(const clh_state *host) { return host->abandoned; }
