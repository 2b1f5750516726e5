/* String functions of our own. The pattern functions are still Lua's. */
#include "host.h"

#include <ctype.h>

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

/* string.format: Lua's own (upvalue), after %p is refused and objects for %s are turned into text without
 * addresses. */
static int format(lua_State *L) {
    size_t length;
    int top = lua_gettop(L), argument = 1;
    const char *text = luaL_checklstring(L, 1, &length), *end = text + length;
    while (text < end) {
        if (*text++ != '%') continue;
        if (text < end && *text == '%') {
            text++;
            continue;
        }
        while (text < end && (strchr("-+ #0.", *text) || isdigit((unsigned char)*text)) && *text) text++;
        if (text == end) break;
        argument++;
        if (*text == 'p') {
            return luaL_error(L, "invalid conversion '%%p' to 'format': addresses are not shown");
        }
        if (*text == 's' && argument <= top && lua_type(L, argument) >= LUA_TTABLE) {
            clh_push_text(L, argument);
            lua_replace(L, argument);
        }
        text++;
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, top, 1);
    return 1;
}

/* Those with an upvalue get Lua's own function of the same name. */
const luaL_Reg clh_string_functions[] = {{"rep", repeat}, {"format", format}, {NULL, NULL}};
