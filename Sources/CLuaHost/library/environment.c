/* The environment: an allow-list of Lua's functions, and our own in place of some. Nothing else is
 * reachable. */
#include "../host.h"

#include <sys/random.h>

char clh_environment_key, clh_functions_key, clh_modules_key;

static const char *const base_names[] = {
    "assert", "error", "ipairs", "next", "pairs", "rawequal", "rawget", "rawlen", "select", "tonumber",
    "type", NULL};
static const char *const string_names[] = {
    "byte", "char", "len", "lower", "pack", "packsize", "reverse", "sub", "unpack", "upper", NULL};
static const char *const math_names[] = {
    "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max",
    "maxinteger", "min", "mininteger", "modf", "pi", "rad", "random", "sin", "sqrt", "tan", "tointeger",
    "type", "ult", NULL};
static const char *const utf8_names[] = {
    "char", "charpattern", "codepoint", "codes", "len", "offset", NULL};

/* ---- names for messages -------------------------------------------------------------------------------- */

/* Lua's auxiliary library names functions in messages and tracebacks by what is in its table of loaded
 * modules. Ours lists the same functions as the environment, where no plugin can add to it. */
static void name_functions(lua_State *L, const char *library) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE); /* library's table, loaded */
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, -4)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -3);
        if (lua_isfunction(L, -1)) lua_rawset(L, -4);
        else lua_pop(L, 2);
    }
    lua_setfield(L, -2, library);
    lua_pop(L, 1);
}

/* ---- libraries ----------------------------------------------------------------------------------------- */

/* Copies the named fields from the table on top to the table below it. */
static void copy(lua_State *L, const char *const *names) {
    for (; *names; names++) {
        lua_pushstring(L, *names);
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        lua_rawset(L, -4);
    }
}

/* Sets our functions in the table on top. */
static void add(lua_State *L, const luaL_Reg *functions) { luaL_setfuncs(L, functions, 0); }

/* Sets the table on top, one of functions, in the environment below it, and lets `require` find it, which has
 * its table of modules at index 1. */
static void finish(lua_State *L, const char *name) {
    name_functions(L, name);
    lua_pushvalue(L, -1);
    lua_setfield(L, 1, name);
    lua_setfield(L, -2, name);
}

/* Opens one of Lua's libraries and puts its allowed functions into a new table, on top. */
static void take(lua_State *L, lua_CFunction open, const char *const *names) {
    lua_newtable(L);
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
    copy(L, names);
    lua_pop(L, 1);
}

static void open_base(lua_State *L) {
    lua_pushcfunction(L, luaopen_base); /* fills the table of globals, which nothing reaches, and gives it */
    lua_call(L, 0, 1);
    copy(L, base_names);
    lua_pop(L, 1);
    add(L, clh_base_functions);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clh_modules_key);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, clh_require, 1);
    lua_setfield(L, -2, "require");
    name_functions(L, LUA_GNAME);
    lua_pushliteral(L, LUA_VERSION);
    lua_setfield(L, -2, "_VERSION");
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, LUA_GNAME);
}

/* Methods of strings are those of the environment's table; the metatable itself cannot be reached. The
 * string table is on top. */
static void lock_strings(lua_State *L) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

/* math.randomseed, which in stock Lua mixes in an address and gives it away. */
static int seed_random(lua_State *L) {
    lua_Integer seeds[2] = {0, 0};
    if (!lua_isnone(L, 1)) {
        seeds[0] = luaL_checkinteger(L, 1);
        seeds[1] = luaL_optinteger(L, 2, 0);
    } else if (getrandom(seeds, sizeof seeds, GRND_NONBLOCK) != sizeof seeds) {
        seeds[0] = clh_now();
    }
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushinteger(L, seeds[0]);
    lua_pushinteger(L, seeds[1]);
    lua_call(L, 2, 0);
    lua_pushinteger(L, seeds[0]);
    lua_pushinteger(L, seeds[1]);
    return 2;
}

static void open_math(lua_State *L) {
    lua_newtable(L);
    lua_pushcfunction(L, luaopen_math);
    lua_call(L, 0, 1);
    copy(L, math_names);
    lua_getfield(L, -1, "randomseed");
    lua_pushcclosure(L, seed_random, 1);
    lua_pushvalue(L, -1);
    lua_call(L, 0, 0);
    lua_setfield(L, -3, "randomseed");
    lua_pop(L, 1);
    finish(L, LUA_MATHLIBNAME);
}

int clh_build_environment(lua_State *L) {
    lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clh_noted_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clh_functions_key);
    lua_newtable(L); /* modules that `require` knows */
    lua_newtable(L);
    open_base(L);
    lua_newtable(L); /* coroutine and table are ours altogether */
    add(L, clh_coroutine_functions);
    finish(L, LUA_COLIBNAME);
    lua_newtable(L);
    add(L, clh_table_functions);
    finish(L, LUA_TABLIBNAME);
    take(L, luaopen_string, string_names);
    add(L, clh_string_functions);
    add(L, clh_search_functions);
    lock_strings(L);
    finish(L, LUA_STRLIBNAME);
    open_math(L);
    take(L, luaopen_utf8, utf8_names);
    finish(L, LUA_UTF8LIBNAME);
    lua_pushvalue(L, -1);
    lua_setfield(L, 1, LUA_GNAME);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clh_environment_key);
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    return 0;
}
