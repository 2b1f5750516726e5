/* The table library: raw lengths, so that no metamethod can lie about them; elements as in stock Lua. A
 * border of a table may still be anything up to 2^63 - 1, and so every loop over elements looks at the
 * clock. */
#include "../host.h"

#define LOOK_EVERY 512 /* elements between looks at the clock */

static lua_Integer length_of(lua_State *L, int index) {
    luaL_checktype(L, index, LUA_TTABLE);
    return (lua_Integer)lua_rawlen(L, index);
}

static inline void look(lua_State *L, lua_Integer count) {
    if (count % LOOK_EVERY == 0) clh_check_budget(clh_host(L), L);
}

/* Refuses to touch more elements than the state could ever hold. */
static void check_range(lua_State *L, lua_Unsigned count) {
    if (count > clh_host(L)->limits.block_max) luaL_error(L, "range too large");
}

/* Copies elements from `from` on; downwards when the ranges overlap so that it must be. */
static void copy_up(lua_State *L, int source, lua_Integer from, int target, lua_Integer to,
                    lua_Integer count) {
    for (lua_Integer i = 0; i < count; i++) {
        look(L, i);
        lua_geti(L, source, from + i);
        lua_seti(L, target, to + i);
    }
}

static void copy_down(lua_State *L, int source, lua_Integer from, int target, lua_Integer to,
                      lua_Integer count) {
    for (lua_Integer i = count - 1; i >= 0; i--) {
        look(L, i);
        lua_geti(L, source, from + i);
        lua_seti(L, target, to + i);
    }
}

static int insert(lua_State *L) {
    lua_Integer end = (lua_Integer)((lua_Unsigned)length_of(L, 1) + 1), position = end;
    switch (lua_gettop(L)) {
    case 2: break;
    case 3:
        position = luaL_checkinteger(L, 2);
        luaL_argcheck(L, (lua_Unsigned)position - 1 < (lua_Unsigned)end, 2, "position out of bounds");
        check_range(L, (lua_Unsigned)end - (lua_Unsigned)position);
        copy_down(L, 1, position, 1, position + 1, end - position);
        lua_settop(L, 3);
        break;
    default: return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_seti(L, 1, position);
    return 0;
}

static int removal(lua_State *L) {
    lua_Integer length = length_of(L, 1), position = luaL_optinteger(L, 2, length);
    if (position != length) {
        luaL_argcheck(L, (lua_Unsigned)position - 1 <= (lua_Unsigned)length, 1, "position out of bounds");
        if (position < length) check_range(L, (lua_Unsigned)length - (lua_Unsigned)position);
    }
    lua_geti(L, 1, position);
    if (position < length) {
        copy_up(L, 1, position + 1, 1, position, length - position);
        position = length;
    }
    lua_pushnil(L);
    lua_seti(L, 1, position);
    return 1;
}

static int move(lua_State *L) {
    lua_Integer from = luaL_checkinteger(L, 2), end = luaL_checkinteger(L, 3);
    lua_Integer to = luaL_checkinteger(L, 4);
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, target, LUA_TTABLE);
    if (end >= from) {
        luaL_argcheck(L, from > 0 || end < LUA_MAXINTEGER + from, 3, "too many elements to move");
        lua_Integer count = end - from + 1;
        luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
        check_range(L, (lua_Unsigned)count);
        int overlaps = to > from && to <= end && (target == 1 || lua_compare(L, 1, target, LUA_OPEQ));
        if (overlaps) copy_down(L, 1, from, target, to, count);
        else copy_up(L, 1, from, target, to, count);
    }
    lua_pushvalue(L, target);
    return 1;
}

static void add_element(lua_State *L, luaL_Buffer *out, lua_Integer index) {
    lua_geti(L, 1, index);
    if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1),
                   (LUAI_UACINT)index);
    }
    luaL_addvalue(out);
}

static int concat(lua_State *L) {
    size_t length;
    lua_Integer last = length_of(L, 1);
    const char *separator = luaL_optlstring(L, 2, "", &length);
    lua_Integer index = luaL_optinteger(L, 3, 1);
    last = luaL_optinteger(L, 4, last);
    luaL_Buffer out;
    clh_make_room(L);
    luaL_buffinit(L, &out);
    for (; index < last; index++) {
        look(L, index);
        add_element(L, &out, index);
        luaL_addlstring(&out, separator, length);
    }
    if (index == last) add_element(L, &out, index);
    luaL_pushresult(&out);
    return 1;
}

static int pack(lua_State *L) {
    int count = lua_gettop(L);
    lua_createtable(L, count, 1);
    lua_insert(L, 1);
    for (int index = count; index >= 1; index--) lua_rawseti(L, 1, index);
    lua_pushinteger(L, count);
    lua_setfield(L, 1, "n");
    return 1;
}

static int unpack(lua_State *L) {
    lua_Integer first = luaL_optinteger(L, 2, 1), last;
    if (!lua_isnoneornil(L, 3)) last = luaL_checkinteger(L, 3);
    else last = lua_istable(L, 1) ? (lua_Integer)lua_rawlen(L, 1) : luaL_len(L, 1);
    if (first > last) return 0;
    lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first;
    if (count >= INT_MAX || !lua_checkstack(L, (int)++count)) {
        return luaL_error(L, "too many results to unpack");
    }
    for (lua_Unsigned i = 0; i < count; i++) {
        look(L, (lua_Integer)i);
        lua_geti(L, 1, (lua_Integer)((lua_Unsigned)first + i));
    }
    return (int)count;
}

const luaL_Reg clh_table_functions[] = {
    {"concat", concat}, {"insert", insert}, {"move", move},     {"pack", pack},
    {"remove", removal}, {"sort", clh_sort}, {"unpack", unpack}, {NULL, NULL}};
