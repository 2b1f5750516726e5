/* Our pattern functions against stock Lua's on generated patterns, subjects and replacements.
 *
 * Input: a byte that chooses the function, one for the pattern's length, one for the replacement's length, a
 * signed position; then the pattern, the replacement and the subject. */
#define _GNU_SOURCE /* memmem */
#include "../CLuaHostChecks/checks.h"

#include <stdlib.h>

typedef struct part {
    const char *text;
    size_t length;
} part;

typedef struct input {
    unsigned function;
    lua_Integer position;
    part pattern, replacement, subject;
} input;

typedef struct output {
    char text[1 << 16];
    size_t length;
} output;

static lua_State *ours, *stock;
static const input *the_input;

static part take(const uint8_t **data, size_t *size, size_t length) {
    part taken = {(const char *)*data, length < *size ? length : *size};
    *data += taken.length;
    *size -= taken.length;
    return taken;
}

static int replace(lua_State *L) {
    int count = lua_gettop(L);
    if (count % 3 == 0) return 0;
    if (count % 3 == 1) lua_settop(L, 1);
    else lua_pushinteger(L, count);
    return 1;
}

static void push_replacement(lua_State *L) {
    switch (the_input->function / 4 % 4) {
    case 0: lua_pushcfunction(L, replace); break;
    case 1:
        lua_newtable(L);
        lua_pushlstring(L, the_input->replacement.text, the_input->replacement.length);
        lua_setfield(L, -2, "a");
        break;
    default: lua_pushlstring(L, the_input->replacement.text, the_input->replacement.length);
    }
}

/* Protected. 1: the library `string`. */
static int perform(lua_State *L) {
    static const char *const names[] = {"find", "match", "gmatch", "gsub"};
    unsigned function = the_input->function % 4;
    lua_getfield(L, 1, names[function]);
    lua_remove(L, 1);
    lua_pushlstring(L, the_input->subject.text, the_input->subject.length);
    lua_pushlstring(L, the_input->pattern.text, the_input->pattern.length);
    if (function == 3) push_replacement(L);
    int arguments = function == 3 ? 3 : 2;
    if (the_input->position != 0) {
        lua_pushinteger(L, the_input->position);
        arguments++;
    }
    lua_call(L, arguments, LUA_MULTRET);
    for (int i = 0; function == 2 && i < 20; i++) {
        luaL_checkstack(L, 40, NULL);
        lua_pushvalue(L, 1);
        int before = lua_gettop(L);
        lua_call(L, 0, LUA_MULTRET);
        if (lua_gettop(L) < before || lua_isnil(L, before)) break;
    }
    return lua_gettop(L);
}

static void put(output *out, const char *text, size_t length) {
    if (length > sizeof out->text - out->length) length = sizeof out->text - out->length;
    memcpy(out->text + out->length, text, length);
    out->length += length;
}

/* The library is at index 1. */
static void run(lua_State *L, output *out) {
    char head[32];
    out->length = 0;
    lua_settop(L, 1);
    lua_pushcfunction(L, perform);
    lua_pushvalue(L, 1);
    int status = lua_pcall(L, 1, LUA_MULTRET, 0);
    put(out, status ? "E" : "R", 1);
    for (int index = 2; index <= lua_gettop(L); index++) {
        size_t length = 0;
        const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &length) : "";
        long long number = lua_isinteger(L, index) ? lua_tointeger(L, index) : (long long)length;
        put(out, head, (size_t)snprintf(head, sizeof head, "|%d %lld ", lua_type(L, index), number));
        put(out, text, length);
    }
}

static void show(const char *name, const char *text, size_t length) {
    fprintf(stderr, "%s: ", name);
    for (size_t i = 0; i < length; i++) {
        fprintf(stderr, text[i] >= ' ' && text[i] < 127 ? "%c" : "\\x%02x", (unsigned char)text[i]);
    }
    fputc('\n', stderr);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    ours = open_state(NULL)->main;
    stock = luaL_newstate();
    luaL_openlibs(stock);
    lua_settop(ours, 0);
    lua_rawgetp(ours, LUA_REGISTRYINDEX, &clh_environment_key);
    lua_getfield(ours, 1, "string");
    lua_remove(ours, 1);
    lua_getglobal(stock, "string");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static output our, their;
    if (size < 4 || size > 400) return 0;
    input in = {.function = data[0], .position = (int8_t)data[3]};
    size_t pattern = data[1] % 64, replacement = data[2] % 16;
    data += 4, size -= 4;
    in.pattern = take(&data, &size, pattern);
    in.replacement = take(&data, &size, replacement);
    in.subject = take(&data, &size, size);
    the_input = &in;
    run(ours, &our);
    /* Where ours gives up stock Lua may go on for years. */
    if (our.text[0] == 'E' && our.length > 11 && memmem(our.text, our.length, "too complex", 11)) return 0;
    run(stock, &their);
    if (our.length == their.length && memcmp(our.text, their.text, our.length) == 0) return 0;
    show("pattern", in.pattern.text, in.pattern.length);
    show("subject", in.subject.text, in.subject.length);
    show("ours", our.text, our.length);
    show("stock", their.text, their.length);
    abort();
}
