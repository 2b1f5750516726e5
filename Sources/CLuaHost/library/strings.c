/* String functions of our own, beside the pattern functions and format. */
#include "../host.h"

/* The buffers of Lua's auxiliary library ask the allocator themselves, and so nobody collects garbage when
 * there is no memory (lauxlib.c, resizebox): a plugin with much garbage would be refused. */
void clh_make_room(lua_State *L) {
    clh_state *host = clh_host(L);
    if (host->heap < host->heap_kept) host->heap_kept = host->heap;
    size_t left = host->limits.heap_max - host->heap, grown = host->heap - host->heap_kept;
    if (left / 2 > host->limits.block_max || grown <= host->limits.heap_max / 16) return;
    lua_gc(L, LUA_GCCOLLECT);
    host->heap_kept = host->heap;
}

/* string.rep in as many steps as the result has bits, and none at all for an empty one. */
static int repeat(lua_State *L) {
    size_t length, separator_length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_Integer count = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &separator_length);
    size_t unit = length + separator_length, most = clh_host(L)->limits.block_max;
    if (count <= 0 || unit == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (unit > most || (lua_Unsigned)count > most / unit + 1) {
        return luaL_error(L, "resulting string too large");
    }
    size_t total = unit * ((size_t)count - 1) + length;
    if (total > most) return luaL_error(L, "resulting string too large");
    luaL_Buffer result;
    clh_make_room(L);
    char *to = luaL_buffinitsize(L, &result, total ? total : 1);
    size_t done = 0;
    if (length) memcpy(to, text, length);
    done = length;
    if (count > 1) {
        if (separator_length) memcpy(to + length, separator, separator_length);
        done = unit < total ? unit : total;
        while (done < total) { /* what is there is a whole number of units */
            size_t more = done < total - done ? done : total - done;
            memcpy(to + done, to, more);
            done += more;
        }
    }
    luaL_pushresultsize(&result, total);
    return 1;
}

const luaL_Reg clh_string_functions[] = {{"rep", repeat}, {"format", clh_format}, {NULL, NULL}};
