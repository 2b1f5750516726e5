/* string.find, match and gmatch over our own matcher. A search whose slice is over is put aside as a
 * userdata, and taken up again when the run's turn comes. */
#define _GNU_SOURCE /* memmem */
#include "../host.h"
#include "matcher.h"

/* A position as stock Lua takes it, from 1; 0 and what lies before the text mean its beginning. */
static size_t position_from(lua_State *L, int index, size_t length) {
    lua_Integer position = luaL_optinteger(L, index, 1);
    if (position > 0) return (size_t)position;
    if (position == 0 || position < -(lua_Integer)length) return 1;
    return length + (size_t)position + 1;
}

/* ---- find and match ------------------------------------------------------------------------------------ */

static int is_plain(const char *pattern, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (pattern[i] && strchr("^$*+?.([%-", pattern[i])) return 0;
    return 1;
}

static int find_plain(lua_State *L, const char *subject, size_t length, size_t from) {
    size_t wanted;
    const char *text = lua_tolstring(L, 2, &wanted);
    const char *found = wanted ? memmem(subject + from, length - from, text, wanted) : subject + from;
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found - subject + 1);
    lua_pushinteger(L, found - subject + (lua_Integer)wanted);
    return 2;
}

static int search_again(lua_State *L, int status, lua_KContext is_find);

/* 1: subject, 2: pattern. */
static int search(lua_State *L, clh_matcher *m, int is_find) {
    int anchored = *lua_tostring(L, 2) == '^';
    for (;;) {
        clh_match found = clh_match_go(m);
        if (found == CLH_MATCH_PAUSED) {
            lua_settop(L, 2);
            clh_match_save(m);
            return clh_pause(L, is_find, search_again);
        }
        if (found == CLH_MATCH_FOUND) break;
        if (anchored || m->start == m->subject_end) {
            lua_pushnil(L);
            return 1;
        }
        clh_match_advance(m);
    }
    if (!is_find) return clh_match_push_captures(m, 1);
    lua_pushinteger(L, m->start - m->subject + 1);
    lua_pushinteger(L, m->s - m->subject);
    return clh_match_push_captures(m, 0) + 2;
}

static int search_again(lua_State *L, int status, lua_KContext is_find) {
    (void)status;
    clh_matcher m;
    clh_match_restore(&m, L, 3);
    return search(L, &m, (int)is_find);
}

static int begin_search(lua_State *L, int is_find) {
    size_t length, pattern_length;
    const char *subject = luaL_checklstring(L, 1, &length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    size_t from = position_from(L, 3, length) - 1;
    if (from > length) {
        lua_pushnil(L);
        return 1;
    }
    if (is_find && (lua_toboolean(L, 4) || is_plain(pattern, pattern_length))) {
        return find_plain(L, subject, length, from);
    }
    clh_matcher m;
    clh_match_prepare(&m, L, subject, length, subject + from, pattern + (*pattern == '^'),
                      pattern + pattern_length);
    return search(L, &m, is_find);
}

static int find(lua_State *L) { return begin_search(L, 1); }
static int match(lua_State *L) { return begin_search(L, 0); }

/* ---- gmatch -------------------------------------------------------------------------------------------- */

typedef struct iteration {
    size_t from, last; /* where to go on; the end of the last match, and 1 more */
} iteration;

/* The iterator's upvalues. */
enum { SUBJECT = 1, PATTERN, ITERATION };

static int next_again(lua_State *L, int status, lua_KContext context);

static int next_match(lua_State *L, clh_matcher *m) {
    iteration *at = lua_touserdata(L, lua_upvalueindex(ITERATION));
    for (;;) {
        clh_match found = clh_match_go(m);
        if (found == CLH_MATCH_PAUSED) {
            lua_settop(L, 0);
            clh_match_save(m);
            return clh_pause(L, 0, next_again);
        }
        size_t end = (size_t)(m->s - m->subject);
        if (found == CLH_MATCH_FOUND && end + 1 != at->last) {
            at->from = end;
            at->last = end + 1;
            return clh_match_push_captures(m, 1);
        }
        if (m->start == m->subject_end) return 0;
        clh_match_advance(m);
    }
}

static int next_again(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    clh_matcher m;
    clh_match_restore(&m, L, 1);
    return next_match(L, &m);
}

static int iterate(lua_State *L) {
    size_t length, pattern_length;
    const char *subject = lua_tolstring(L, lua_upvalueindex(SUBJECT), &length);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(PATTERN), &pattern_length);
    const iteration *at = lua_touserdata(L, lua_upvalueindex(ITERATION));
    if (at->from > length) return 0;
    clh_matcher m;
    clh_match_prepare(&m, L, subject, length, subject + at->from, pattern, pattern + pattern_length);
    return next_match(L, &m);
}

static int gmatch(lua_State *L) {
    size_t length;
    luaL_checklstring(L, 1, &length);
    luaL_checkstring(L, 2);
    size_t from = position_from(L, 3, length) - 1;
    lua_settop(L, 2);
    iteration *at = lua_newuserdatauv(L, sizeof *at, 0);
    at->from = from > length ? length + 1 : from;
    at->last = 0;
    lua_pushcclosure(L, iterate, 3);
    return 1;
}

const luaL_Reg clh_search_functions[] = {
    {"find", find}, {"match", match}, {"gmatch", gmatch}, {"gsub", clh_substitute}, {NULL, NULL}};
