/* string.find, match, gmatch and gsub over our own matcher. A search whose slice is over is put aside as a
 * userdata, and taken up again when the run's turn comes. */
#define _GNU_SOURCE /* memmem */
#include "../host.h"
#include "matcher.h"

#define SUBSTITUTE_PLACES 6 /* four arguments, the text so far, the search that was put aside */

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

/* ---- gsub ---------------------------------------------------------------------------------------------- */

typedef struct substitution {
    clh_matcher matcher;
    const char *last; /* the end of the last match */
    lua_Integer count, most;
    int changed;
} substitution;

/* The replacement string, with its references to captures. */
static void add_template(luaL_Buffer *out, const clh_matcher *m) {
    size_t length;
    const char *at = lua_tolstring(m->L, 3, &length), *end = at + length, *sign;
    while ((sign = memchr(at, '%', (size_t)(end - at))) != NULL) {
        const char *text;
        luaL_addlstring(out, at, (size_t)(sign - at));
        at = sign + 2;
        if (sign[1] == '%') {
            luaL_addchar(out, '%');
        } else if (sign[1] == '0') {
            luaL_addlstring(out, m->start, (size_t)(m->s - m->start));
        } else if (sign[1] >= '1' && sign[1] <= '9') {
            int index = sign[1] - '1';
            clh_match_capture(m, index, &text, &length);
            if (text) luaL_addlstring(out, text, length);
            else luaL_addvalue(out);
        } else {
            luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
    }
    luaL_addlstring(out, at, (size_t)(end - at));
}

/* Adds what stands for the match; whether that is something new. */
static int add_replacement(luaL_Buffer *out, const clh_matcher *m) {
    lua_State *L = m->L;
    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, clh_match_push_captures(m, 1), 1);
        break;
    case LUA_TTABLE:
        clh_match_push_capture(m, 0);
        lua_gettable(L, 3);
        break;
    default: add_template(out, m); return 1;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(out, m->start, (size_t)(m->s - m->start));
        return 0;
    }
    if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
    luaL_addvalue(out);
    return 1;
}

static int substitute_again(lua_State *L, int status, lua_KContext context);

static int pause_substitution(lua_State *L, luaL_Buffer *out, substitution *sub) {
    luaL_pushresult(out);
    lua_replace(L, 5);
    clh_match_save(&sub->matcher);
    lua_replace(L, 6);
    lua_settop(L, SUBSTITUTE_PLACES);
    substitution *saved = lua_newuserdatauv(L, sizeof *saved, 0);
    *saved = *sub;
    return clh_pause(L, 0, substitute_again);
}

static int substitute(lua_State *L, luaL_Buffer *out, substitution *sub) {
    clh_matcher *m = &sub->matcher;
    const char *at = m->start;
    int anchored = *lua_tostring(L, 2) == '^';
    while (sub->count < sub->most) {
        clh_match found = clh_match_go(m);
        if (found == CLH_MATCH_PAUSED) return pause_substitution(L, out, sub);
        if (found == CLH_MATCH_FOUND && m->s != sub->last) {
            sub->count++;
            sub->changed |= add_replacement(out, m);
            at = sub->last = m->s;
            clh_match_begin(m, at);
        } else if (at == m->subject_end) {
            break;
        } else {
            clh_match_advance(m);
            luaL_addlstring(out, at, (size_t)(m->start - at));
            at = m->start;
        }
        if (anchored) break;
    }
    if (!sub->changed) {
        lua_pushvalue(L, 1);
    } else {
        luaL_addlstring(out, at, (size_t)(m->subject_end - at));
        luaL_pushresult(out);
    }
    lua_pushinteger(L, sub->count);
    return 2;
}

static int substitute_again(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    size_t length;
    substitution sub;
    luaL_Buffer out;
    memcpy(&sub, lua_touserdata(L, 7), sizeof sub);
    lua_settop(L, SUBSTITUTE_PLACES);
    clh_match_restore(&sub.matcher, L, 6);
    const char *text = lua_tolstring(L, 5, &length);
    luaL_buffinit(L, &out);
    luaL_addlstring(&out, text, length);
    return substitute(L, &out, &sub);
}

static int gsub(lua_State *L) {
    size_t length, pattern_length;
    const char *subject = luaL_checklstring(L, 1, &length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    int type = lua_type(L, 3);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)length + 1);
    int is_text = type == LUA_TNUMBER || type == LUA_TSTRING;
    luaL_argexpected(L, is_text || type == LUA_TFUNCTION || type == LUA_TTABLE, 3, "string/function/table");
    if (is_text) lua_tostring(L, 3); /* once, in place */
    substitution sub = {.most = most};
    luaL_Buffer out;
    lua_settop(L, SUBSTITUTE_PLACES);
    luaL_buffinit(L, &out);
    clh_match_prepare(&sub.matcher, L, subject, length, subject, pattern + (*pattern == '^'),
                      pattern + pattern_length);
    return substitute(L, &out, &sub);
}

const luaL_Reg clh_search_functions[] = {
    {"find", find}, {"match", match}, {"gmatch", gmatch}, {"gsub", gsub}, {NULL, NULL}};
