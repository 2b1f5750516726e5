/* JSON in the C target against jansson: what is read, as which values, and that what is written says the
 * same. Input: a JSON text. */
#include "../CLuaHostChecks/checks.h"

#include <jansson.h>
#include <stdlib.h>

#define FLAGS (JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)
#define DEPTH_MAX 32
#define WHOLE_MAX 999999999999999999LL /* larger numbers are left to the host */

static clh_state *host;
static lua_State *L;

static void differ(const char *what) {
    fprintf(stderr, "json: %s\n", what);
    abort();
}

/* What is answered without the host: null stands in no list, and names are ASCII. */
static int is_ours(const json_t *value, int depth) {
    if (json_is_array(value)) {
        if (depth == DEPTH_MAX) return 0;
        for (size_t i = 0; i < json_array_size(value); i++) {
            const json_t *item = json_array_get(value, i);
            if (json_is_null(item) || !is_ours(item, depth + 1)) return 0;
        }
    } else if (json_is_object(value)) {
        const char *name;
        json_t *field;
        if (depth == DEPTH_MAX) return 0;
        json_object_foreach((json_t *)value, name, field) {
            for (const char *at = name; *at; at++)
                if ((unsigned char)*at >= 0x80) return 0;
            if (!is_ours(field, depth + 1)) return 0;
        }
    } else if (json_is_integer(value)) {
        long long number = json_integer_value(value);
        return number <= WHOLE_MAX && number >= -WHOLE_MAX;
    }
    return 1;
}

static int is_equal(int index, const json_t *value);

static int is_equal_table(int index, const json_t *value) {
    size_t count = 0;
    if (!lua_istable(L, index)) return 0;
    luaL_checkstack(L, 4, NULL);
    if (json_is_array(value)) {
        if (lua_rawlen(L, index) != json_array_size(value)) return 0;
        for (size_t i = 0; i < json_array_size(value); i++) {
            lua_rawgeti(L, index, (lua_Integer)i + 1);
            if (!is_equal(lua_gettop(L), json_array_get(value, i))) return 0;
            lua_pop(L, 1);
        }
        return 1;
    }
    const char *name;
    json_t *field;
    json_object_foreach((json_t *)value, name, field) {
        lua_pushstring(L, name);
        lua_rawget(L, index);
        if (!is_equal(lua_gettop(L), field)) return 0;
        lua_pop(L, 1);
        count += !json_is_null(field);
    }
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        count--;
    }
    return count == 0;
}

static int is_equal(int index, const json_t *value) {
    size_t length;
    const char *text;
    switch (json_typeof(value)) {
    case JSON_NULL: return lua_isnil(L, index);
    case JSON_TRUE: return lua_isboolean(L, index) && lua_toboolean(L, index);
    case JSON_FALSE: return lua_isboolean(L, index) && !lua_toboolean(L, index);
    case JSON_INTEGER: return lua_isinteger(L, index) && lua_tointeger(L, index) == json_integer_value(value);
    case JSON_REAL:
        return lua_type(L, index) == LUA_TNUMBER && !lua_isinteger(L, index)
            && lua_tonumber(L, index) == json_real_value(value);
    case JSON_STRING:
        if (lua_type(L, index) != LUA_TSTRING) return 0;
        text = lua_tolstring(L, index, &length);
        return length == json_string_length(value) && memcmp(text, json_string_value(value), length) == 0;
    default: return is_equal_table(index, value);
    }
}

/* Calls `json.NAME` with what is on top, which its result replaces; 0 when it was left to the host. */
static int call(const char *name) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_environment_key);
    lua_getfield(L, -1, "json");
    lua_getfield(L, -1, name);
    lua_replace(L, -3);
    lua_pop(L, 1);
    lua_insert(L, -2);
    int before = json_answers;
    if (lua_pcall(L, 1, 1, 0) != LUA_OK || json_answers == before) return 0;
    return 1;
}

/* The value at index 2, which says what `expected` does. */
static void check_writing(const json_t *expected) {
    size_t length;
    lua_pushvalue(L, 2);
    if (!call("encode")) differ("what was read cannot be written");
    const char *text = lua_tolstring(L, -1, &length);
    /* An empty table is an object, as it may have been a list before. */
    lua_pushvalue(L, -1);
    if (!call("decode")) differ("what was written cannot be read");
    if (!is_equal(lua_gettop(L), expected)) differ("what was written says something else");
    json_t *theirs = json_loadb(text, length, FLAGS, NULL);
    if (!theirs) differ("what was written is no JSON");
    if (!is_equal(2, theirs)) differ("what was written is read as something else");
    json_decref(theirs);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    host = open_state(NULL);
    L = host->main;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_error_t error;
    if (size > 4096) return 0;
    lua_settop(L, 0);
    lua_pushlstring(L, (const char *)data, size);
    lua_pushvalue(L, 1);
    int is_read = call("decode");
    json_t *theirs = json_loadb((const char *)data, size, FLAGS, &error);
    if (is_read && !theirs) {
        /* Names with a zero in them are more than jansson takes. */
        if (json_error_code(&error) != json_error_null_byte_in_key) differ("read, though it is no JSON");
    } else if (is_read) {
        if (!is_ours(theirs, 0)) differ("read, though it is left to the host");
        if (!is_equal(2, theirs)) differ("read as something else");
        check_writing(theirs);
    } else if (theirs && is_ours(theirs, 0) && !memchr(data, 0, size)) { /* a zero ends jansson's text */
        differ("not read, though it is JSON");
    }
    json_decref(theirs);
    return 0;
}
