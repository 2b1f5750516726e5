/* Brackets: f(..., fn) enters at the host, runs fn in the same coroutine, and leaves at the host whatever
 * fn did.
 *
 * Stack from the second step on: 1 the op's token, 2 fn's fate (true, or false and the error at 3), then
 * fn's results. */
#include "host.h"

#include <stdio.h>

static int entered(lua_State *L, int status, lua_KContext context);
static int ran(lua_State *L, int status, lua_KContext context);
static int left(lua_State *L, int status, lua_KContext context);

int clh_bracket(lua_State *L) {
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(1));
    clh_state *host = op->host;
    clh_take_receiver(host, L, op);
    int count = lua_gettop(L);
    if (count == 0 || !lua_isfunction(L, count)) {
        char text[200];
        int length = snprintf(text, sizeof text, "bad argument #%d to '%.100s' (function expected, got %s)",
                              count ? count : 1, op->path, count ? luaL_typename(L, count) : "no value");
        return clh_raise(L, text, (size_t)length);
    }
    clh_take_arguments(host, L, op, count - 1);
    host->call.succeeded = 1;
    return clh_wait(host, L, op, CLH_PHASE_ENTER, 0, entered);
}

static int entered(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    clh_state *host = clh_host(L);
    lua_pushvalue(L, -1);
    lua_replace(L, 1); /* fn; the arguments are not needed any more */
    lua_settop(L, 1);
    int is_outcome = host->replied && host->reply_status == CLH_OUTCOME;
    int count = clh_push_reply(host, L);
    if (is_outcome) return count;
    if (count != 2 || !lua_isinteger(L, 2) || !lua_istable(L, 3)) return luaL_error(L, "malformed answer");
    int arguments = (int)lua_rawlen(L, 3);
    lua_insert(L, 1);  /* list, fn, token */
    lua_insert(L, 1);  /* token, list, fn */
    lua_pushboolean(L, 1);
    lua_insert(L, 2);  /* token, true, list, fn */
    lua_insert(L, 3);  /* token, true, fn, list */
    luaL_checkstack(L, arguments + 1, NULL);
    for (int i = 1; i <= arguments; i++) lua_rawgeti(L, 4, i);
    lua_remove(L, 4);
    return ran(L, lua_pcallk(L, arguments, LUA_MULTRET, 0, 0, ran), 0);
}

static int ran(lua_State *L, int status, lua_KContext context) {
    (void)context;
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(1));
    clh_state *host = op->host;
    int succeeded = status == LUA_OK || status == LUA_YIELD;
    if (!succeeded) {
        if (host->kill) return clh_die(L);
        lua_pushboolean(L, 0);
        lua_replace(L, 2);
    }
    host->self = 0;
    host->call.token = lua_tointeger(L, 1);
    host->call.succeeded = succeeded;
    host->call.length = 0;
    host->call.extra_length = 0;
    return clh_wait(host, L, op, CLH_PHASE_LEAVE, lua_gettop(L), left);
}

static int left(lua_State *L, int status, lua_KContext top) {
    (void)status;
    clh_state *host = clh_host(L);
    int succeeded = lua_toboolean(L, 2), is_outcome = host->replied && host->reply_status == CLH_OUTCOME;
    if (succeeded || host->reply_status == CLH_MISUSE) {
        int count = clh_push_reply(host, L);
        if (is_outcome) return count;
    }
    host->replied = 0;
    lua_settop(L, (int)top);
    if (!succeeded) return lua_error(L); /* fn's own error goes on */
    return (int)top - 2;
}
