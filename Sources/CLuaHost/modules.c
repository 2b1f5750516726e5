/* The host's functions and constants in the environment: locked tables, found by dotted paths. */
#include "host.h"

#include <stdio.h>

static char module_mark;

/* A module is an empty table whose metatable holds the fields; the mark says so. */
int clh_is_module(lua_State *L, int index) {
    if (!lua_getmetatable(L, index)) return 0;
    lua_rawgetp(L, -1, &module_mark);
    int is_module = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return is_module;
}

static int locked(lua_State *L) {
    return luaL_error(L, "the modules of the host cannot be changed");
}

static int next_field(lua_State *L) {
    lua_settop(L, 2);
    return lua_next(L, lua_upvalueindex(1)) ? 2 : 0;
}

static int pairs_of(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, next_field, 1);
    return 1;
}

/* With the fields' holder on top, pushes the fields of its module `name`, made when missing. `path` is the
 * module's. */
static void open_module(lua_State *L, const char *name, const char *path) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_modules_key);
    if (lua_getfield(L, -1, path) == LUA_TTABLE) { /* its fields, under its path */
        lua_remove(L, -2);
        return;
    }
    lua_pop(L, 1);
    lua_newtable(L); /* parent, modules, fields */
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, path);
    lua_newtable(L); /* the module itself */
    lua_createtable(L, 0, 5);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, locked);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, pairs_of, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushfstring(L, "module %s", path);
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &module_mark);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -2); /* for an index function, which may come later */
    lua_rawset(L, -6);
    lua_setmetatable(L, -2);
    lua_setfield(L, -4, name); /* parent, modules, fields */
    lua_remove(L, -2);
}

/* Makes reading an absent field of the module, whose fields are on top, ask the host. */
static void set_index_function(lua_State *L, const clh_op *op) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_modules_key);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2); /* fields, modules, metatable */
    lua_pushvalue(L, -3);
    lua_pushlightuserdata(L, (void *)op);
    lua_pushcclosure(L, clh_index_field, 2);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 2);
}

int clh_install(lua_State *L) {
    const clh_install_request *request = lua_touserdata(L, 1);
    const char *path = request->path, *word = path;
    int is_index = request->op && request->op->kind == CLH_INDEX;
    luaL_checkstack(L, 40, NULL);
    if (request->op && request->op->receiver) {
        clh_push_methods(L, request->op->receiver);
        lua_pushlightuserdata(L, (void *)request->op);
        lua_pushcclosure(L, request->call, 1);
        lua_setfield(L, -2, strchr(path, ':') + 1);
        return 0;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_environment_key);
    for (;;) {
        const char *dot = strchr(word, '.');
        if (!dot && !is_index) break;
        size_t length = dot ? (size_t)(dot - word) : strlen(word);
        lua_pushlstring(L, path, (size_t)(word - path) + length); /* anchored below its use */
        lua_insert(L, -2);
        lua_pushlstring(L, word, length);
        lua_insert(L, -2);
        open_module(L, lua_tostring(L, -2), lua_tostring(L, -3));
        lua_remove(L, -2); /* the parent */
        if (!dot) break;
        word = dot + 1;
    }
    if (is_index) {
        set_index_function(L, request->op);
        return 0;
    }
    if (request->op) {
        lua_pushlightuserdata(L, (void *)request->op);
        lua_pushcclosure(L, request->call, 1);
    } else {
        clh_decode_value(L, request->bytes, request->length);
    }
    lua_setfield(L, -2, word);
    return 0;
}
