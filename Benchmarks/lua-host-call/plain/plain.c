#include "CPlainLua.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

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

/* A table of five fields made in C, and a boolean. */
static int facts(lua_State *L) {
    static const char *const fields[][2] = {
        {"id", "4f1c"}, {"name", "node-1"}, {"version", "1.0.0"}, {"address", "10.0.0.1:7990"}};
    lua_createtable(L, 0, 5);
    for (int i = 0; i < 4; i++) {
        lua_pushstring(L, fields[i][1]);
        lua_setfield(L, -2, fields[i][0]);
    }
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "is_local");
    lua_pushboolean(L, 1);
    return 2;
}

/* A copy of a table with all tables in it. */
static void push_copy(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TTABLE) {
        lua_pushvalue(L, index);
        return;
    }
    luaL_checkstack(L, 6, NULL);
    lua_createtable(L, (int)lua_rawlen(L, index), 0);
    int copy = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pushvalue(L, -2);
        push_copy(L, copy + 2);
        lua_rawset(L, copy);
        lua_settop(L, copy + 1);
    }
}

static int same(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    push_copy(L, 1);
    return 1;
}

typedef struct thing {
    int is_held;
    const char *value;
} thing;

static int open_thing(lua_State *L) {
    thing *made = lua_newuserdatauv(L, sizeof *made, 0);
    *made = (thing){1, "repo:refs_changed"};
    luaL_setmetatable(L, "thing");
    return 1;
}

static int held(lua_State *L) {
    lua_pushboolean(L, ((const thing *)luaL_checkudata(L, 1, "thing"))->is_held);
    return 1;
}

static int header(lua_State *L) {
    const thing *self = luaL_checkudata(L, 1, "thing");
    size_t length;
    const char *name = luaL_checklstring(L, 2, &length);
    if (length == 11 && strcmp(name, "X-Event-Key") == 0) lua_pushstring(L, self->value);
    else lua_pushnil(L);
    return 1;
}

static const luaL_Reg methods[] = {{"held", held}, {"header", header}, {NULL, NULL}};

static void make_class(lua_State *L) {
    luaL_newmetatable(L, "thing");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
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
                                     {"plain", same_record},
                                     {"next", add_one},
                                     {"facts", facts},
                                     {"same", same},
                                     {"open", open_thing},
                                     {"on", on},
                                     {NULL, NULL}};

plain_state *plain_open(const char *text) {
    lua_State *L = luaL_newstate();
    if (!L) return NULL;
    luaL_openlibs(L);
    make_class(L);
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
