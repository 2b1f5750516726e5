/* The environment: an allow-list of Lua's functions, and our own in place of some. Nothing else is
 * reachable. */
#include "host.h"

#include <sys/random.h>

char clh_environment_key, clh_functions_key, clh_modules_key;

static const char *const base_names[] = {
    "assert", "error", "ipairs", "next", "pairs", "rawequal", "rawget", "rawlen", "select", "tonumber",
    "type", NULL};
static const char *const string_names[] = {
    "byte", "char", "find", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "reverse",
    "sub", "unpack", "upper", NULL};
static const char *const table_names[] = {
    "concat", "insert", "move", "pack", "remove", "sort", "unpack", NULL};
static const char *const math_names[] = {
    "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max",
    "maxinteger", "min", "mininteger", "modf", "pi", "rad", "random", "sin", "sqrt", "tan", "tointeger",
    "type", "ult", NULL};
static const char *const utf8_names[] = {
    "char", "charpattern", "codepoint", "codes", "len", "offset", NULL};

/* Copies the named fields from the table on top to the table below it. */
static void copy(lua_State *L, const char *const *names) {
    for (; *names; names++) {
        lua_pushstring(L, *names);
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        lua_rawset(L, -4);
    }
}

/* Sets our functions in the table below the top; one whose name Lua's table on top has gets that as its
 * upvalue. */
static void replace(lua_State *L, const luaL_Reg *functions) {
    for (; functions->name; functions++) {
        lua_pushstring(L, functions->name);
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_pushcfunction(L, functions->func);
        } else {
            lua_pushcclosure(L, functions->func, 1);
        }
        lua_rawset(L, -4);
    }
}

/* Opens one of Lua's libraries and puts its allowed functions and our own into a new table in the
 * environment on top. */
static void library(lua_State *L, const char *name, lua_CFunction open, const char *const *names,
                    const luaL_Reg *replacements) {
    lua_newtable(L);
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
    copy(L, names);
    if (replacements) replace(L, replacements);
    lua_pop(L, 1);
    lua_setfield(L, -2, name);
}

/* math.randomseed, which in stock Lua mixes in an address and gives it away. */
static int seed_random(lua_State *L) {
    if (lua_isnone(L, 1)) {
        lua_Integer seeds[2] = {0, 0};
        if (getrandom(seeds, sizeof seeds, GRND_NONBLOCK) != sizeof seeds) seeds[0] = clh_now();
        lua_pushinteger(L, seeds[0]);
        lua_pushinteger(L, seeds[1]);
    }
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_isnil(L, 3) ? 1 : 2, LUA_MULTRET);
    return lua_gettop(L);
}

static const luaL_Reg math_functions[] = {{"randomseed", seed_random}, {NULL, NULL}};

static void open_base(lua_State *L) {
    lua_pushcfunction(L, luaopen_base); /* fills the table of globals, which nothing reaches, and gives it */
    lua_call(L, 0, 1);
    copy(L, base_names);
    lua_pop(L, 1);
    lua_newtable(L);
    replace(L, clh_base_functions);
    lua_pop(L, 1);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clh_modules_key);
    lua_newtable(L);
    lua_pushcclosure(L, clh_require, 1);
    lua_setfield(L, -2, "require");
    lua_pushliteral(L, LUA_VERSION);
    lua_setfield(L, -2, "_VERSION");
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
}

/* Methods of strings are those of the environment's table; the metatable itself cannot be reached. */
static void lock_strings(lua_State *L) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_getfield(L, -3, "string");
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

int clh_build_environment(lua_State *L) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clh_functions_key);
    lua_newtable(L);
    open_base(L);
    lua_newtable(L); /* coroutine is ours altogether */
    lua_newtable(L);
    replace(L, clh_coroutine_functions);
    lua_pop(L, 1);
    lua_setfield(L, -2, "coroutine");
    library(L, "string", luaopen_string, string_names, clh_string_functions);
    library(L, "table", luaopen_table, table_names, NULL);
    library(L, "math", luaopen_math, math_names, math_functions);
    library(L, "utf8", luaopen_utf8, utf8_names, NULL);
    lua_getfield(L, -1, "math");
    lua_getfield(L, -1, "randomseed");
    lua_call(L, 0, 0);
    lua_pop(L, 1);
    lock_strings(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clh_environment_key);
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    return 0;
}
