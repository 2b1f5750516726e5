/* Objects of the host's: a class and a number, with methods, and fields that the host has given. Lua code can
 * keep them and call their methods, and nothing else: they cannot be made, changed or passed to the host. */
#include "host.h"

#include <stdio.h>

typedef struct object {
    const clh_class *kind;
    int64_t id;
} object;

static char methods_key;

static int locked(lua_State *L) { return luaL_error(L, "an object of the host cannot be changed"); }

/* __index of a class whose objects have fields; upvalue: its methods. */
static int read_field(lua_State *L) {
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL || lua_type(L, 2) != LUA_TSTRING) return 1;
    if (lua_type(L, 1) != LUA_TUSERDATA || lua_getiuservalue(L, 1, 1) != LUA_TTABLE) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

int clh_make_class(lua_State *L) {
    const clh_class *kind = lua_touserdata(L, 1);
    lua_createtable(L, 0, 5);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, &methods_key);
    if (kind->has_fields) lua_pushcclosure(L, read_field, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, locked);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushstring(L, kind->name);
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, kind);
    return 0;
}

void clh_push_methods(lua_State *L, const clh_class *kind) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, kind);
    lua_rawgetp(L, -1, &methods_key);
    lua_remove(L, -2);
}

void clh_push_object(clh_state *host, lua_State *L, uint32_t class_number, int64_t id) {
    const clh_class *kind = host->classes;
    while (kind && (uint32_t)kind->number != class_number) kind = kind->next;
    if (!kind) luaL_error(L, "malformed value from the host");
    object *made = lua_newuserdatauv(L, sizeof *made, kind->has_fields);
    made->kind = kind;
    made->id = id;
    lua_rawgetp(L, LUA_REGISTRYINDEX, kind);
    lua_setmetatable(L, -2);
}

static __attribute__((noinline)) int refuse(lua_State *L, const clh_op *op) {
    char text[300];
    const char *method = strchr(op->path, ':') + 1;
    int length = snprintf(text, sizeof text, "'%.100s' is called on a %.60s: object:%.60s(...)", op->path,
                          op->receiver->name, method);
    return clh_raise(L, text, (size_t)length);
}

/* All full userdata that Lua code can get hold of are objects. */
int64_t clh_receiver(lua_State *L, const clh_op *op) {
    if (lua_type(L, 1) == LUA_TUSERDATA) {
        const object *self = lua_touserdata(L, 1);
        if (self->kind == op->receiver) return self->id;
    }
    return refuse(L, op);
}
