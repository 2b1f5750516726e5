/* Chunks: only text, only from the sources that the state was opened with; `require` of these. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

int clh_add_source(clh_state *host, const char *name, const uint8_t *bytes, size_t length) {
    clh_source *source = calloc(1, sizeof *source);
    if (!source) return -1;
    source->name = strdup(name);
    source->bytes = malloc(length + 1);
    if (!source->name || !source->bytes) {
        free(source->name);
        free(source->bytes);
        free(source);
        return -1;
    }
    if (length) memcpy(source->bytes, bytes, length);
    source->length = length;
    source->next = host->sources;
    host->sources = source;
    return 0;
}

/* Pushes the compiled chunk, or a message and gives -1. */
int clh_load_source(clh_state *host, lua_State *L, const char *name) {
    const clh_source *source = host->sources;
    while (source && strcmp(source->name, name) != 0) source = source->next;
    if (!source) {
        lua_pushfstring(L, "%s: there is no such file", name);
        return -1;
    }
    if (source->length > host->limits.source_max) {
        char text[64];
        snprintf(text, sizeof text, "a source file has at most %zu bytes", host->limits.source_max);
        lua_pushfstring(L, "%s:1: %s", name, text);
        return -1;
    }
    lua_pushfstring(L, "@%s", name);
    int status = luaL_loadbufferx(L, (const char *)source->bytes, source->length, lua_tostring(L, -1), "t");
    lua_remove(L, -2);
    if (status == LUA_ERRMEM && host->running->source) host->running->error = CLH_ERROR_MEMORY;
    if (status != LUA_OK) return -1;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_environment_key);
    if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
    return 0;
}

/* "lib.x" -> "lib/x.lua"; 0 when it cannot be a module's name. */
static int file_name(const char *module, size_t length, char *to, size_t capacity) {
    if (length == 0 || length + 5 > capacity) return 0;
    for (size_t i = 0; i < length; i++) {
        char c = module[i];
        int is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        int is_word = is_letter || (c >= '0' && c <= '9') || c == '_' || c == '-';
        int is_dot = c == '.' && i > 0 && i + 1 < length && module[i - 1] != '.';
        if (!is_word && !is_dot) return 0;
        to[i] = c == '.' ? '/' : c;
    }
    memcpy(to + length, ".lua", 5);
    return 1;
}

/* Whether the run that began to load a module still lives; a killed one leaves its mark behind. */
static int is_alive(clh_state *host, lua_Integer number) {
    for (const clh_run *run = host->runs; run; run = run->next)
        if (run->number == (uint64_t)number) return 1;
    return 0;
}

/* 1: name, 2: file; then the results, or the error. */
static int loaded(lua_State *L, int status, lua_KContext context) {
    (void)context;
    int is_error = status != LUA_OK && status != LUA_YIELD;
    if (is_error && clh_host(L)->kill) return clh_die(L);
    lua_pushvalue(L, 1);
    if (is_error) {
        lua_pushnil(L);
        lua_rawset(L, lua_upvalueindex(1));
        return lua_error(L);
    }
    if (lua_isnil(L, 3)) lua_pushboolean(L, 1);
    else lua_pushvalue(L, 3);
    lua_pushvalue(L, -1);
    lua_insert(L, 1);
    lua_rawset(L, lua_upvalueindex(1));
    lua_settop(L, 1);
    return 1;
}

/* upvalue 1: modules by name; a light userdata stands for one whose chunk is running. */
int clh_require(lua_State *L) {
    clh_state *host = clh_host(L);
    size_t length;
    char file[256];
    const char *name = luaL_checklstring(L, 1, &length);
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_rawget(L, lua_upvalueindex(1));
    if (lua_islightuserdata(L, -1)) {
        lua_Integer number = (lua_Integer)(intptr_t)lua_touserdata(L, -1);
        if ((uint64_t)number == host->running->number) {
            return luaL_error(L, "module '%s' requires itself, directly or through another", name);
        }
        if (is_alive(host, number)) return luaL_error(L, "module '%s' is being loaded by another call", name);
    } else if (!lua_isnil(L, -1)) {
        return 1;
    }
    lua_settop(L, 1);
    if (!file_name(name, length, file, sizeof file)) {
        return luaL_error(L, "'%s' is no module name: words joined by dots, as in require \"lib.x\"", name);
    }
    lua_pushstring(L, file);
    if (clh_load_source(host, L, file) != 0) {
        return luaL_error(L, "module '%s' cannot be loaded: %s", name, lua_tostring(L, -1));
    }
    lua_pushvalue(L, 1);
    lua_pushlightuserdata(L, (void *)(intptr_t)host->running->number);
    lua_rawset(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1); /* a chunk gets its name and its file, as from stock Lua's require */
    lua_pushvalue(L, 2);
    return loaded(L, lua_pcallk(L, 2, 1, 0, 0, loaded), 0);
}
