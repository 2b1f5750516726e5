#include "CPlainLua.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

/* What a C programmer writes: an integer in, an integer out. */
static int add_one(lua_State *L) {
    lua_pushinteger(L, luaL_checkinteger(L, 1) + 1);
    return 1;
}

/* A string in, the same bytes out. */
static int same_text(lua_State *L) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_pushlstring(L, text, length);
    return 1;
}

/* A table of three fields in, one with the same three out. */
static int same_record(lua_State *L) {
    static const char *const names[] = {"id", "name", "size"};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_createtable(L, 0, 3);
    for (int i = 0; i < 3; i++) {
        lua_getfield(L, 1, names[i]);
        lua_setfield(L, 2, names[i]);
    }
    return 1;
}

static int on(lua_State *L) {
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_setfield(L, LUA_REGISTRYINDEX, luaL_checkstring(L, 1));
    return 0;
}

static const luaL_Reg functions[] = {{"integer", add_one},
                                     {"text", same_text},
                                     {"bytes", same_text},
                                     {"at_once", add_one},
                                     {"attempt", add_one},
                                     {"record", same_record},
                                     {"fields", same_record},
                                     {"on", on},
                                     {NULL, NULL}};

plain_state *plain_open(const char *text) {
    lua_State *L = luaL_newstate();
    if (!L) return NULL;
    luaL_openlibs(L);
    luaL_newlib(L, functions);
    lua_setglobal(L, "host");
    if (luaL_dostring(L, "local json = require 'cjson' "
                         "host.encode, host.decode = json.encode, json.decode") != LUA_OK
        || luaL_dostring(L, text) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        lua_close(L);
        return NULL;
    }
    return (plain_state *)L;
}

int plain_call(plain_state *state, const char *name, int64_t number) {
    lua_State *L = (lua_State *)state;
    lua_getfield(L, LUA_REGISTRYINDEX, name);
    lua_pushinteger(L, number);
    int status = lua_pcall(L, 1, 0, 0);
    lua_settop(L, 0);
    return status == LUA_OK ? 0 : -1;
}

void plain_close(plain_state *state) { lua_close((lua_State *)state); }
