/* Base functions of our own: kill-aware protected calls, guarded metatables, texts without addresses,
 * logging. */
#include "../host.h"

#include <stdio.h>

/* ---- protected calls: what ends a run cannot be caught ------------------------------------------------- */

#define HANDLER_TRIES 10

static int finish_pcall(lua_State *L, int status, lua_KContext extra) {
    if (status != LUA_OK && status != LUA_YIELD) {
        if (clh_host(L)->kill) return clh_die(L);
        lua_pushboolean(L, 0);
        lua_pushvalue(L, -2);
        return 2;
    }
    return lua_gettop(L) - (int)extra;
}

static int protected_call(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_pcall);
    return finish_pcall(L, status, 0);
}

static int handled(lua_State *L, int status, lua_KContext tries);

/* 1: handler, on top: the error. The handler runs after unwinding: hooks are off while Lua runs a real
 * message handler, so an endless one could not be ended. */
static int handle(lua_State *L, int tries) {
    lua_insert(L, 2);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    lua_insert(L, 2);
    return handled(L, lua_pcallk(L, 1, 1, 0, tries, handled), tries);
}

/* A handler that fails is called with its own error, as in stock Lua, which ends this by its stack. */
static int handled(lua_State *L, int status, lua_KContext tries) {
    if (status != LUA_OK && status != LUA_YIELD) {
        if (clh_host(L)->kill) return clh_die(L);
        if (status != LUA_ERRMEM && tries < HANDLER_TRIES) return handle(L, (int)tries + 1);
        if (status != LUA_ERRMEM) lua_pushliteral(L, "error in error handling");
    }
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/* 1: handler, 2: true, then results, or the error on top. */
static int finish_xpcall(lua_State *L, int status, lua_KContext extra) {
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)extra;
    if (clh_host(L)->kill) return clh_die(L);
    if (status != LUA_ERRMEM) return handle(L, 1);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int handled_call(lua_State *L) {
    int n = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushboolean(L, 1);     /* first result */
    lua_pushvalue(L, 1);       /* function */
    lua_pushvalue(L, 2);       /* handler */
    lua_replace(L, 1);
    lua_rotate(L, 3, 2);       /* handler, handler, true, function, arguments */
    lua_remove(L, 2);
    int status = lua_pcallk(L, n - 2, LUA_MULTRET, 0, 1, finish_xpcall);
    return finish_xpcall(L, status, 1);
}

/* ---- metatables ---------------------------------------------------------------------------------------- */

static int set_metatable(lua_State *L) {
    int type = lua_type(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) {
        return luaL_error(L, "cannot change a protected metatable");
    }
    if (type == LUA_TTABLE) {
        /* Finalizers run with hooks off. Lua marks an object for finalization only in this call. */
        lua_pushliteral(L, "__gc");
        lua_rawget(L, 2);
        if (!lua_isnil(L, -1)) return luaL_error(L, "`__gc` is not available");
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int get_metatable(lua_State *L) {
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING || !lua_getmetatable(L, 1)) {
        lua_pushnil(L); /* the metatable of strings is nobody's to see */
        return 1;
    }
    luaL_getmetafield(L, 1, "__metatable");
    return 1; /* the field, or the metatable itself */
}

static int raw_set(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    if (clh_is_module(L, 1)) return luaL_error(L, "the modules of the host cannot be changed");
    lua_rawset(L, 1);
    return 1;
}

/* ---- texts --------------------------------------------------------------------------------------------- */

#define ROTATE(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

/* SipHash-1-3 of one word: objects stay distinguishable, addresses stay secret. */
static uint64_t keyed_hash(const uint64_t seed[2], uint64_t word) {
    uint64_t v0 = seed[0] ^ 0x736f6d6570736575u, v1 = seed[1] ^ 0x646f72616e646f6du;
    uint64_t v2 = seed[0] ^ 0x6c7967656e657261u, v3 = seed[1] ^ 0x7465646279746573u;
    uint64_t words[2] = {word, (uint64_t)8 << 56};
    for (int round = 0; round < 5; round++) {
        if (round < 2) v3 ^= words[round];
        else if (round == 2) v2 ^= 0xff;
        v0 += v1; v1 = ROTATE(v1, 13); v1 ^= v0; v0 = ROTATE(v0, 32);
        v2 += v3; v3 = ROTATE(v3, 16); v3 ^= v2;
        v0 += v3; v3 = ROTATE(v3, 21); v3 ^= v0;
        v2 += v1; v1 = ROTATE(v1, 17); v1 ^= v2; v2 = ROTATE(v2, 32);
        if (round < 2) v0 ^= words[round];
    }
    return v0 ^ v1 ^ v2 ^ v3;
}

/* As long as an address, and none. */
void clh_write_identity(const clh_state *host, const void *object, char *to) {
    uint64_t word = keyed_hash(host->seed, (uint64_t)(uintptr_t)object);
    snprintf(to, CLH_IDENTITY_MAX, "0x%014llx", (unsigned long long)(word >> 8));
}

/* luaL_tolstring, but for the address. */
void clh_push_text(lua_State *L, int index) {
    int type = lua_type(L, index);
    index = lua_absindex(L, index);
    if (type == LUA_TSTRING) { /* without a look at the metatable, which nobody changes */
        lua_pushvalue(L, index);
        return;
    }
    if (luaL_callmeta(L, index, "__tostring")) {
        if (!lua_isstring(L, -1)) luaL_error(L, "'__tostring' must return a string");
        return;
    }
    if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER) {
        luaL_tolstring(L, index, NULL);
        return;
    }
    char identity[CLH_IDENTITY_MAX];
    clh_write_identity(clh_host(L), lua_topointer(L, index), identity);
    int name = luaL_getmetafield(L, index, "__name");
    const char *kind = name == LUA_TSTRING ? lua_tostring(L, -1) : lua_typename(L, type);
    lua_pushfstring(L, "%s: %s", kind, identity);
    if (name != LUA_TNIL) lua_remove(L, -2);
}

static void require_text(lua_State *L) {
    if (!lua_isstring(L, -1)) luaL_error(L, "'__tostring' must return a string");
}

static int text_given(lua_State *L, int status, lua_KContext was_called_back) {
    (void)status;
    clh_set_called_back(L, (int)was_called_back);
    require_text(L);
    return 1;
}

int clh_to_text(lua_State *L) {
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING || !luaL_getmetafield(L, 1, "__tostring")) {
        clh_push_text(L, 1);
        return 1;
    }
    int was_called_back = clh_is_called_back(L);
    clh_set_called_back(L, 1);
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 1, was_called_back, text_given);
    return text_given(L, LUA_OK, was_called_back);
}

/* ---- logging ------------------------------------------------------------------------------------------- */

/* Writes the text on top. Apart from what may call Lua code: its frame is large. */
static __attribute__((noinline)) void write_line(lua_State *L, clh_log_source source) {
    char cut[CLH_TEXT_MAX + 64], position[CLH_POSITION_MAX];
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    length = clh_cut(cut, text, length);
    clh_position(L, position);
    clh_log(clh_host(L), source, cut, length, position);
}

static int log_line(lua_State *L, clh_log_source source, const char *separator) {
    int count = lua_gettop(L);
    luaL_Buffer line;
    luaL_buffinit(L, &line);
    size_t total = 0;
    for (int index = 1; index <= count && total <= CLH_TEXT_MAX; index++) {
        size_t length;
        if (index > 1) luaL_addstring(&line, separator);
        clh_push_text(L, index);
        const char *text = lua_tolstring(L, -1, &length);
        if (length > CLH_TEXT_MAX + 1) { /* as much as shows that it is too long */
            lua_pushlstring(L, text, CLH_TEXT_MAX + 1);
            lua_replace(L, -2);
            length = CLH_TEXT_MAX + 1;
        }
        luaL_addvalue(&line);
        total += length + 1;
    }
    luaL_pushresult(&line);
    write_line(L, source);
    return 0;
}

static int printed(lua_State *L, int status, lua_KContext context);

/* Puts texts in the place of the arguments that have a `__tostring`, from `index` on, and then prints. */
static int print_from(lua_State *L, int index, int was_called_back) {
    for (int count = lua_gettop(L); index <= count; index++) {
        if (lua_type(L, index) == LUA_TSTRING || !luaL_getmetafield(L, index, "__tostring")) continue;
        clh_set_called_back(L, 1);
        lua_pushvalue(L, index);
        lua_callk(L, 1, 1, index * 2 + was_called_back, printed);
        require_text(L);
        lua_replace(L, index);
    }
    clh_set_called_back(L, was_called_back);
    return log_line(L, CLH_LOG_PRINT, "\t");
}

static int printed(lua_State *L, int status, lua_KContext context) {
    (void)status;
    int index = (int)(context / 2);
    require_text(L);
    lua_replace(L, index);
    return print_from(L, index + 1, (int)(context % 2));
}

int clh_print(lua_State *L) { return print_from(L, 1, clh_is_called_back(L)); }

static int warn_line(lua_State *L) {
    int count = lua_gettop(L);
    luaL_checkstring(L, 1);
    for (int index = 2; index <= count; index++) luaL_checkstring(L, index);
    const char *text = lua_tostring(L, 1);
    if (count == 1 && text[0] == '@') return 0; /* a control message */
    return log_line(L, CLH_LOG_WARN, "");
}

const luaL_Reg clh_base_functions[] = {
    {"pcall", protected_call}, {"xpcall", handled_call},  {"setmetatable", set_metatable},
    {"rawset", raw_set},       {"getmetatable", get_metatable}, {"tostring", clh_to_text},
    {"print", clh_print},     {"warn", warn_line},       {NULL, NULL}};
