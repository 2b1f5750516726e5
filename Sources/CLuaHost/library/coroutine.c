/* The coroutine library of our own. A coroutine that waits for the host, or whose slice is over, makes its
 * resumer yield as well, down to the run's own coroutine; the continuation resumes it again when the run
 * goes on. */
#include "../host.h"

static lua_State *coroutine_at(lua_State *L, int index) {
    lua_State *co = lua_tothread(L, index);
    luaL_argexpected(L, co, index, "coroutine");
    return co;
}

/* ---- resuming ------------------------------------------------------------------------------------------ */

#define REFUSED (-1)   /* nothing ran; the message is on L */
#define PASSED_ON (-2) /* the coroutine is busy with the host; its resumer must yield too */
#define RAISED (-3)    /* the coroutine ended by an error, which is on it */

/* Number of results moved to L, or one of the above. */
static int step(lua_State *L, lua_State *co, int count) {
    clh_state *host = clh_host(L);
    int results, blocked = host->blocked;
    if (!lua_isyieldable(L)) host->blocked++;
    clh_enter_coroutine(host, co);
    int status = lua_resume(co, L, count, &results);
    clh_enter_coroutine(host, L);
    host->blocked = blocked;
    if (host->kill) {
        clh_set_busy(co, 1); /* what the run left behind is nobody's to go on with */
        return clh_die(L);
    }
    if (status == LUA_YIELD && host->control != CLH_CONTROL_NONE) {
        clh_set_busy(co, 1);
        return PASSED_ON;
    }
    if (status == LUA_OK || status == LUA_YIELD) {
        if (!lua_checkstack(L, results + 1)) {
            lua_pop(co, results);
            lua_pushliteral(L, "too many results to resume");
            return REFUSED;
        }
        lua_xmove(co, L, results);
        return results;
    }
    if (lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD) return RAISED;
    lua_xmove(co, L, 1);
    return REFUSED;
}

static int begin(lua_State *L, lua_State *co, int count) {
    const char *problem = NULL;
    if (clh_is_busy(co)) problem = "cannot resume non-suspended coroutine";
    else if (clh_stack_is_deep(clh_host(L))) problem = "C stack overflow";
    else if (lua_status(co) == LUA_OK && lua_gettop(co) == 0) problem = "cannot resume dead coroutine";
    else if (!lua_checkstack(co, count)) problem = "too many arguments to resume";
    if (problem) {
        lua_pushstring(L, problem);
        return REFUSED;
    }
    lua_xmove(L, co, count);
    return step(L, co, count);
}

static int resume_again(lua_State *L, int status, lua_KContext context);

static int finish_resume(lua_State *L, lua_State *co, int results) {
    if (results == PASSED_ON) return lua_yieldk(L, 0, 0, resume_again);
    if (results < 0) {
        if (results == RAISED) {
            int is_memory = lua_status(co) == LUA_ERRMEM;
            if (!is_memory) clh_note_coroutine_error(L, co);
            lua_xmove(co, L, 1);
            if (!is_memory) clh_noted_error_is(L);
        }
        lua_pushboolean(L, 0);
        lua_insert(L, -2);
        return 2;
    }
    lua_pushboolean(L, 1);
    lua_insert(L, -(results + 1));
    return results + 1;
}

static int resume_again(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    lua_State *co = lua_tothread(L, 1);
    clh_set_busy(co, 0);
    return finish_resume(L, co, step(L, co, 0));
}

static int resume(lua_State *L) {
    lua_State *co = coroutine_at(L, 1);
    return finish_resume(L, co, begin(L, co, lua_gettop(L) - 1));
}

static int close_coroutine(lua_State *L, lua_State *co);
static int wrap_again(lua_State *L, int status, lua_KContext context);

static int finish_wrap(lua_State *L, lua_State *co, int results) {
    if (results == PASSED_ON) return lua_yieldk(L, 0, 0, wrap_again);
    if (results >= 0) return results;
    if (results == RAISED) { /* an error inside: keep where, close what is open, pass it on */
        clh_note_coroutine_error(L, co);
        int memory = lua_status(co) == LUA_ERRMEM;
        close_coroutine(L, co);
        lua_xmove(co, L, 1);
        if (memory) return lua_error(L);
    }
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    clh_noted_error_is(L);
    return lua_error(L);
}

static int wrap_again(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    clh_set_busy(co, 0);
    return finish_wrap(L, co, step(L, co, 0));
}

static int wrapped(lua_State *L) {
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    return finish_wrap(L, co, begin(L, co, lua_gettop(L)));
}

/* ---- making and ending --------------------------------------------------------------------------------- */

static int create(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    clh_set_busy(co, 0);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

static int wrap(lua_State *L) {
    create(L);
    lua_pushcclosure(L, wrapped, 1);
    return 1;
}

/* Runs pending closing methods of a suspended or failed coroutine, within the budget like any code. 5.4.4's
 * lua_resetthread does not count C calls from the caller, hence the look at the real stack. */
static int close_coroutine(lua_State *L, lua_State *co) {
    clh_state *host = clh_host(L);
    int blocked = host->blocked;
    if (host->kill) return clh_die(L);
    if (clh_stack_is_deep(host)) return luaL_error(L, "C stack overflow");
    host->blocked++;
    clh_enter_coroutine(host, co);
    int status = lua_resetthread(co);
    clh_enter_coroutine(host, L);
    host->blocked = blocked;
    if (host->kill) return clh_die(L);
    return status;
}

static const char *state_of(lua_State *L, lua_State *co) {
    lua_Debug record;
    if (L == co) return "running";
    if (clh_is_busy(co)) return "normal";
    if (lua_status(co) == LUA_YIELD) return "suspended";
    if (lua_status(co) != LUA_OK) return "dead";
    if (lua_getstack(co, 0, &record)) return "normal";
    return lua_gettop(co) == 0 ? "dead" : "suspended";
}

static int close(lua_State *L) {
    lua_State *co = coroutine_at(L, 1);
    const char *state = state_of(L, co);
    if (state[0] != 's' && state[0] != 'd') return luaL_error(L, "cannot close a %s coroutine", state);
    if (close_coroutine(L, co) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

static int status(lua_State *L) {
    lua_pushstring(L, state_of(L, coroutine_at(L, 1)));
    return 1;
}

static int is_run(lua_State *L) { return L == clh_host(L)->running->thread; }

/* Whether `co` is inside a function that one of ours called and that can only give way to the host. The mark
 * says whether to look; one that an error left behind is taken away. */
static int is_called_back(lua_State *L, lua_State *co) {
    lua_Debug record;
    if (!clh_is_called_back(co)) return 0;
    luaL_argcheck(L, lua_checkstack(co, 1), 1, "stack overflow");
    for (int level = 0; lua_getstack(co, level, &record); level++) {
        lua_getinfo(co, "f", &record);
        lua_CFunction function = lua_tocfunction(co, -1);
        lua_pop(co, 1);
        if (function == clh_sort || function == clh_substitute) return 1;
        if (function == clh_to_text || function == clh_print) return 1;
        if (level % 64 == 0) clh_check_budget(clh_host(L), L); /* each level costs as much as it is deep */
    }
    clh_set_called_back(co, 0);
    return 0;
}

static int yield(lua_State *L) {
    if (is_run(L)) return luaL_error(L, "attempt to yield from outside a coroutine");
    if (is_called_back(L, L)) return luaL_error(L, "attempt to yield across a C-call boundary");
    return lua_yield(L, lua_gettop(L));
}

static int running(lua_State *L) {
    lua_pushboolean(L, is_run(L));
    lua_pushthread(L);
    lua_insert(L, -2);
    return 2;
}

static int is_yieldable(lua_State *L) {
    lua_State *co = lua_isnone(L, 1) ? L : coroutine_at(L, 1);
    lua_pushboolean(L, !is_run(co) && lua_isyieldable(co) && !is_called_back(L, co));
    return 1;
}

const luaL_Reg clh_coroutine_functions[] = {
    {"create", create}, {"resume", resume}, {"running", running}, {"status", status}, {"wrap", wrap},
    {"yield", yield},   {"isyieldable", is_yieldable}, {"close", close}, {NULL, NULL}};
