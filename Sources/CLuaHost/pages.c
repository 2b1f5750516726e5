/* Generators over pages: `for x in f(...) do` asks the host for the next page when its page is used up. */
#include "host.h"

/* Upvalues; CURSOR is nil at first and false after the last page. */
enum { OP = 1, ARGUMENTS, ITEMS, NEXT, CURSOR, TUPLES, SELF };

static int answered(lua_State *L, int status, lua_KContext context);

static int give(lua_State *L) {
    if (!lua_toboolean(L, lua_upvalueindex(TUPLES))) return 1;
    int count = (int)lua_rawlen(L, -1), tuple = lua_gettop(L);
    luaL_checkstack(L, count + 1, "too many values in one item");
    for (int i = 1; i <= count; i++) lua_rawgeti(L, tuple, i);
    return count;
}

static int advance(lua_State *L) {
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(OP));
    clh_state *host = op->host;
    if (lua_istable(L, lua_upvalueindex(ITEMS))) {
        lua_Integer index = lua_tointeger(L, lua_upvalueindex(NEXT));
        if (lua_rawgeti(L, lua_upvalueindex(ITEMS), index) != LUA_TNIL) {
            lua_pushinteger(L, index + 1);
            lua_replace(L, lua_upvalueindex(NEXT));
            return give(L);
        }
        lua_pushnil(L);
        lua_replace(L, lua_upvalueindex(ITEMS));
    }
    if (lua_isboolean(L, lua_upvalueindex(CURSOR))) {
        lua_pushnil(L);
        return 1;
    }
    clh_require_yieldable(host, L, op);
    host->host_calls++;
    host->self = lua_tointeger(L, lua_upvalueindex(SELF));
    host->call.bytes = (const uint8_t *)lua_tolstring(L, lua_upvalueindex(ARGUMENTS), &host->call.length);
    host->call.extra_length = 0;
    host->call.extra = NULL;
    if (lua_type(L, lua_upvalueindex(CURSOR)) == LUA_TSTRING) {
        const char *cursor = lua_tolstring(L, lua_upvalueindex(CURSOR), &host->call.extra_length);
        host->call.extra = (const uint8_t *)cursor;
    }
    return clh_wait(host, L, op, CLH_PHASE_PAGE, 0, answered);
}

/* The answer's three values: items, cursor, tuples. A failure ends the loop by being raised: nil would
 * look like an end. */
static int answered(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(OP));
    clh_state *host = op->host;
    if (host->replied && host->reply_status == CLH_OUTCOME) {
        host->replied = 0;
        lua_settop(L, 0);
        clh_push_outcome(host, L);
        lua_getfield(L, 2, "code");
        lua_getfield(L, 2, "message");
        size_t length;
        lua_pushfstring(L, "%s: %s: %s", op->path, lua_tostring(L, -2), lua_tostring(L, -1));
        const char *text = lua_tolstring(L, -1, &length);
        return clh_raise(L, text, length);
    }
    lua_settop(L, 0);
    if (clh_push_reply(host, L) != 3 || !lua_istable(L, 1)) {
        return luaL_error(L, "malformed page from the host");
    }
    lua_replace(L, lua_upvalueindex(TUPLES));
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 0);
    }
    lua_replace(L, lua_upvalueindex(CURSOR));
    lua_replace(L, lua_upvalueindex(ITEMS));
    lua_pushinteger(L, 1);
    lua_replace(L, lua_upvalueindex(NEXT));
    return advance(L);
}

int clh_pages(lua_State *L) {
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(1));
    clh_state *host = op->host;
    clh_take_receiver(host, L, op);
    clh_encode(host, L, op, 1, lua_gettop(L));
    lua_pushlightuserdata(L, (void *)op);
    lua_pushlstring(L, (const char *)host->arguments.data, host->arguments.length);
    lua_pushnil(L);
    lua_pushinteger(L, 1);
    lua_pushnil(L);
    lua_pushboolean(L, 0);
    lua_pushinteger(L, host->self);
    lua_pushcclosure(L, advance, 7);
    return 1;
}
