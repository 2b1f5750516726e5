/* Texts about errors: safe for any error object, bounded, without addresses. */
#include "host.h"

#include <stdio.h>

static const char cut_mark[] = " ... (cut)";

/* Copies at most CLH_TEXT_MAX bytes, not ending inside a UTF-8 sequence, and marks a cut. Gives the
 * length. */
size_t clh_cut(char *buffer, const char *text, size_t length) {
    if (length <= CLH_TEXT_MAX) {
        memcpy(buffer, text, length);
        buffer[length] = 0;
        return length;
    }
    size_t end = CLH_TEXT_MAX;
    while (end > CLH_TEXT_MAX - 4 && ((unsigned char)text[end] & 0xc0) == 0x80) end--;
    memcpy(buffer, text, end);
    memcpy(buffer + end, cut_mark, sizeof cut_mark);
    return end + sizeof cut_mark - 1;
}

/* "main.lua:12" of the nearest Lua function on L's stack that is not the running one, or "". Allocates
 * nothing. */
void clh_position(lua_State *L, char *buffer) {
    lua_Debug record;
    buffer[0] = 0;
    for (int level = 1; level < 8 && lua_getstack(L, level, &record); level++) {
        if (!lua_getinfo(L, "Sl", &record) || record.currentline <= 0) continue;
        char digits[12], *digit = digits + sizeof digits; /* by hand: snprintf costs more than the rest */
        unsigned line = (unsigned)record.currentline;
        for (; line > 0; line /= 10) *--digit = (char)('0' + line % 10);
        size_t length = strlen(record.short_src), count = (size_t)(digits + sizeof digits - digit);
        memcpy(buffer, record.short_src, length);
        buffer[length] = ':';
        memcpy(buffer + length + 1, digit, count);
        buffer[length + 1 + count] = 0;
        return;
    }
}

static uint64_t hash(const char *text, size_t length) {
    uint64_t value = 1469598103934665603u ^ length;
    for (size_t i = 0; i < length && i < 512; i++) value = (value ^ (unsigned char)text[i]) * 1099511628211u;
    return value ? value : 1;
}

/* Pushes a field of the table at `index` when it is a string; raw. */
static const char *text_field(lua_State *L, int index, const char *name, size_t *length) {
    lua_pushstring(L, name);
    lua_rawget(L, index);
    return lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, length) : NULL;
}

/* ---- errors that went through coroutines --------------------------------------------------------------- */

char clh_noted_key; /* the noted error when it is no text, in the registry; false for none */

/* Whether the error at `index` is the noted one. A text may have got a position since, in front. */
static int is_noted(clh_state *host, lua_State *L, int index) {
    size_t length, noted = host->deep_error_length;
    if (host->deep_error_kind == CLH_NOTED_NONE) return 0;
    if (lua_type(L, index) != LUA_TSTRING) {
        if (host->deep_error_kind != CLH_NOTED_OBJECT) return 0;
        index = lua_absindex(L, index);
        lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_noted_key);
        int is_same = lua_rawequal(L, index, -1);
        lua_pop(L, 1);
        return is_same;
    }
    const char *text = lua_tolstring(L, index, &length);
    if (host->deep_error_kind != CLH_NOTED_TEXT || length < noted) return 0;
    if (length > noted && (length < noted + 2 || memcmp(text + length - noted - 2, ": ", 2) != 0)) return 0;
    return hash(text + length - noted, noted) == host->deep_error;
}

/* Protected. 1: the coroutine, which ended by the error on top of its stack. */
static int note(lua_State *L) {
    clh_state *host = clh_host(L);
    lua_State *co = lua_tothread(L, 1);
    size_t length, before = 0;
    if (lua_checkstack(co, 1) && is_noted(host, co, -1)) before = host->deep_length; /* from a deeper one */
    luaL_traceback(L, co, NULL, 0);
    const char *text = lua_tolstring(L, -1, &length);
    size_t room = before + 2 < CLH_TEXT_MAX ? CLH_TEXT_MAX - before - 2 : 0;
    if (length > room) length = room;
    memcpy(host->deep + before, text, length);
    host->deep_length = before + length;
    if (length > 0) host->deep[host->deep_length++] = '\n';
    host->deep[host->deep_length] = 0;
    return 0;
}

/* Keeps the traceback of a coroutine that ended by an error and was not unwound yet. Without memory
 * nothing is noted. */
void clh_note_coroutine_error(lua_State *L, lua_State *co) {
    lua_pushcfunction(L, note);
    lua_pushthread(co);
    lua_xmove(co, L, 1);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        clh_host(L)->deep_length = 0;
        lua_pop(L, 1);
    }
    clh_host(L)->deep_error_kind = CLH_NOTED_NONE;
}

/* The value on top of L's stack is how that error goes on. */
void clh_noted_error_is(lua_State *L) {
    clh_state *host = clh_host(L);
    if (lua_type(L, -1) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, -1, &host->deep_error_length);
        host->deep_error = hash(text, host->deep_error_length);
        host->deep_error_kind = host->deep_error_length ? CLH_NOTED_TEXT : CLH_NOTED_NONE;
    } else {
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &clh_noted_key); /* the field is there: this allocates nothing */
        host->deep_error_kind = CLH_NOTED_OBJECT;
    }
}

/* ---- the error that ended a run ------------------------------------------------------------------------ */

/* Protected. 1: the error object. Fills the host's message. */
static int describe(lua_State *L) {
    clh_state *host = clh_host(L);
    if (!is_noted(host, L, 1)) host->deep_error_kind = CLH_NOTED_NONE;
    lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clh_noted_key);
    size_t length, code_length;
    char text[64];
    const char *message = NULL;
    int type = lua_type(L, 1);
    if (type == LUA_TSTRING) {
        message = lua_tolstring(L, 1, &length);
    } else if (type == LUA_TNUMBER) {
        lua_pushvalue(L, 1);
        message = lua_tolstring(L, -1, &length);
    } else if (type == LUA_TTABLE && (message = text_field(L, 1, "message", &length))) {
        const char *code = text_field(L, 1, "code", &code_length);
        if (code) message = lua_pushfstring(L, "%s: %s", code, message);
        length = strlen(message);
    } else {
        if (type == LUA_TNIL) snprintf(text, sizeof text, "nil");
        else snprintf(text, sizeof text, "(error object is a %s value)", lua_typename(L, type));
        message = text;
        length = strlen(text);
    }
    host->message_length = clh_cut(host->message, message, length);
    return 0;
}

/* Protected. 1: light userdata of the thread. Fills the host's traceback. */
static int trace(lua_State *L) {
    clh_state *host = clh_host(L);
    size_t length;
    lua_State *thread = lua_touserdata(L, 1);
    luaL_traceback(L, thread, NULL, 0);
    const char *text = lua_tolstring(L, -1, &length);
    host->traceback_length = clh_cut(host->traceback, text, length);
    return 0;
}

static void append_deep(clh_state *host) {
    size_t room = CLH_TEXT_MAX > host->traceback_length ? CLH_TEXT_MAX - host->traceback_length : 0;
    size_t length = host->deep_length < room ? host->deep_length : room;
    memmove(host->traceback + length, host->traceback, host->traceback_length + 1);
    memcpy(host->traceback, host->deep, length);
    host->traceback_length += length;
}

/* The error object is on top of the dead thread's stack. Without memory the texts say so. */
void clh_describe_error(clh_state *host, lua_State *thread) {
    lua_State *L = host->main;
    host->message_length = (size_t)snprintf(host->message, sizeof host->message, "not enough memory");
    host->traceback_length = 0;
    host->traceback[0] = 0;
    lua_settop(L, 0);
    lua_pushcfunction(L, describe);
    lua_xmove(thread, L, 1);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_settop(L, 0);
    lua_pushcfunction(L, trace);
    lua_pushlightuserdata(L, thread);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_settop(L, 0);
    if (host->deep_error_kind != CLH_NOTED_NONE) append_deep(host);
    host->deep_error_kind = CLH_NOTED_NONE;
}
