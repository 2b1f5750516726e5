/* Loads: f(..., fn) asks the host, which has the results, or has a function run in the same coroutine and is
 * told what it gave: fn, or one that was handed over before.
 *
 * Stack from the second step on: 1 the op's token, 2 the function's fate (true, or false and the error at
 * 3). */
#include "host.h"

static int entered(lua_State *L, int status, lua_KContext has_function);
static int ran(lua_State *L, int status, lua_KContext context);
static int left(lua_State *L, int status, lua_KContext context);

int clh_load(lua_State *L) {
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(1));
    clh_state *host = op->host;
    clh_take_receiver(host, L, op);
    int count = lua_gettop(L), has_function = count > 0 && lua_isfunction(L, count);
    clh_take_arguments(host, L, op, count - has_function);
    host->call.succeeded = has_function;
    return clh_wait(host, L, op, CLH_PHASE_ENTER, has_function, entered);
}

/* What the function gave is plain data, or the function has failed. */
static int finished(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    luaL_checkstack(L, 2, NULL); /* results may fill it */
    clh_encode(clh_host(L), L, NULL, 1, lua_gettop(L));
    return 0;
}

static int run(lua_State *L) {
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, finished);
    return finished(L, LUA_OK, 0);
}

/* Puts the handed-over function with the id at `index` in place of what is at index 1. */
static void fetch_function(lua_State *L, int index) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_functions_key);
    lua_rawgeti(L, -1, lua_tointeger(L, index));
    lua_replace(L, 1);
    lua_settop(L, index - 1);
}

static int entered(lua_State *L, int status, lua_KContext has_function) {
    (void)status;
    clh_state *host = clh_host(L);
    if (has_function) lua_pushvalue(L, -1);
    else lua_pushnil(L);
    if (lua_gettop(L) > 1) lua_replace(L, 1);
    lua_settop(L, 1);
    int is_outcome = host->replied && host->reply_status == CLH_OUTCOME;
    int count = clh_push_reply(host, L);
    if (is_outcome) return count;
    if (count >= 1 && lua_isboolean(L, 2)) return count - 1; /* the results */
    if (count >= 3 && lua_isinteger(L, 4)) fetch_function(L, 4);
    if (count < 2 || !lua_isinteger(L, 2) || !lua_istable(L, 3) || !lua_isfunction(L, 1)) {
        return luaL_error(L, "malformed answer");
    }
    lua_settop(L, 3);
    int arguments = (int)lua_rawlen(L, 3);
    luaL_checkstack(L, arguments + 4, NULL);
    lua_rotate(L, 1, 2); /* token, list, fn */
    lua_pushboolean(L, 1);
    lua_insert(L, 2);
    lua_pushcfunction(L, run);
    lua_insert(L, 4);  /* token, true, list, run, fn */
    for (int i = 1; i <= arguments; i++) lua_rawgeti(L, 3, i);
    lua_remove(L, 3);
    return ran(L, lua_pcallk(L, arguments + 1, 0, 0, 0, ran), 0);
}

static int ran(lua_State *L, int status, lua_KContext context) {
    (void)context;
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(1));
    clh_state *host = op->host;
    int succeeded = status == LUA_OK || status == LUA_YIELD;
    host->call.length = 0;
    if (succeeded) {
        host->call.bytes = host->arguments.data;
        host->call.length = host->arguments.length;
    } else {
        if (host->kill) return clh_die(L);
        lua_pushboolean(L, 0);
        lua_replace(L, 2);
    }
    host->self = 0;
    host->call.token = lua_tointeger(L, 1);
    host->call.succeeded = succeeded;
    host->call.extra_length = 0;
    return clh_wait(host, L, op, CLH_PHASE_LEAVE, 0, left);
}

static int left(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    clh_state *host = clh_host(L);
    if (lua_toboolean(L, 2) || (host->replied && host->reply_status == CLH_MISUSE)) {
        return clh_push_reply(host, L);
    }
    host->replied = 0;
    lua_settop(L, 3);
    return lua_error(L); /* the function's own error goes on */
}
