/* string.gsub over our own matcher. What it knows lies in a record: on the C stack while nothing can
 * interrupt it, in a userdata once it was put aside, or from the beginning when a function gives the
 * replacements, which may wait for the host or use up its slice. */
#include "../host.h"

#define LOOKUP_STEPS 64 /* a field may be found behind thousands of `__index` */
#define SHORT 256 /* bytes of a result that need no block of their own */

/* On the stack: the arguments, the record when it is a userdata, the result when it is long, and the search
 * when it was put aside. */
enum { SUBJECT = 1, PATTERN, REPLACEMENT, MOST, RECORD, RESULT, SEARCH };

typedef struct substitution {
    clh_matcher matcher;
    const char *at;   /* what is before it is in the result */
    const char *last; /* the end of the last match */
    lua_Integer count, most;
    int is_changed, is_anchored;
    int was_called_back; /* by another gsub or sort, in the same coroutine */
    size_t length, capacity;
    char *text; /* the result's: `brief`, or the userdata's */
    char brief[SHORT];
} substitution;

/* ---- the result ---------------------------------------------------------------------------------------- */

static __attribute__((noinline)) void grow(lua_State *L, substitution *s, size_t more) {
    size_t most = clh_host(L)->limits.block_max, capacity = s->capacity * 2;
    if (more > SIZE_MAX / 4) luaL_error(L, "resulting string too large");
    if (capacity > most) capacity = most > 64 ? most - 64 : most; /* a userdata has a head */
    if (capacity < s->length + more) capacity = s->length + more;
    char *text = lua_newuserdatauv(L, capacity, 0);
    memcpy(text, s->text, s->length);
    lua_replace(L, RESULT);
    s->text = text;
    s->capacity = capacity;
}

static inline void add(lua_State *L, substitution *s, const char *bytes, size_t length) {
    if (length > s->capacity - s->length) grow(L, s, length);
    memcpy(s->text + s->length, bytes, length);
    s->length += length;
}

/* Adds the string on top of the stack, and takes it away. */
static void add_top(lua_State *L, substitution *s) {
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    lua_insert(L, SEARCH); /* anchored where growing finds the top as it was */
    add(L, s, text, length);
    lua_settop(L, SEARCH - 1);
}

/* The replacement string, with its references to captures. */
static void add_template(lua_State *L, substitution *s) {
    const clh_matcher *m = &s->matcher;
    size_t length;
    const char *at = lua_tolstring(L, REPLACEMENT, &length), *end = at + length, *sign;
    clh_match_charge(&s->matcher, length); /* it may be long, and add nothing */
    while ((sign = memchr(at, '%', (size_t)(end - at))) != NULL) {
        const char *text;
        add(L, s, at, (size_t)(sign - at));
        at = sign + 2;
        if (sign[1] == '%') {
            add(L, s, "%", 1);
        } else if (sign[1] == '0') {
            add(L, s, m->start, (size_t)(m->s - m->start));
        } else if (sign[1] >= '1' && sign[1] <= '9') {
            clh_match_capture(m, sign[1] - '1', &text, &length);
            if (text) add(L, s, text, length);
            else add_top(L, s); /* a position */
        } else {
            luaL_error(L, "invalid use of '%%' in replacement string");
        }
    }
    add(L, s, at, (size_t)(end - at));
}

/* Adds what a function or a table gave, on top of the stack. */
static void add_value(lua_State *L, substitution *s) {
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        add(L, s, s->matcher.start, (size_t)(s->matcher.s - s->matcher.start));
        return;
    }
    if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    add_top(L, s);
    s->is_changed = 1;
}

/* ---- the search ---------------------------------------------------------------------------------------- */

static int go_on(lua_State *L, substitution *s);

static int finish(lua_State *L, substitution *s) {
    if (lua_isfunction(L, REPLACEMENT)) clh_set_called_back(L, s->was_called_back);
    if (!s->is_changed) {
        lua_pushvalue(L, SUBJECT);
    } else {
        add(L, s, s->at, (size_t)(s->matcher.subject_end - s->at));
        lua_pushlstring(L, s->text, s->length);
    }
    lua_pushinteger(L, s->count);
    return 2;
}

/* Goes on behind a match that was replaced; 0 at the end. */
static int pass(substitution *s) {
    s->at = s->last = s->matcher.s;
    if (s->is_anchored) return 0;
    clh_match_begin(&s->matcher, s->at);
    return 1;
}

static int called(lua_State *L, int status, lua_KContext context) {
    (void)status;
    substitution *s = lua_touserdata(L, (int)context);
    add_value(L, s);
    return pass(s) ? go_on(L, s) : finish(L, s);
}

static void replace(lua_State *L, substitution *s) {
    switch (lua_type(L, REPLACEMENT)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, REPLACEMENT);
        lua_callk(L, clh_match_push_captures(&s->matcher, 1), 1, RECORD, called);
        add_value(L, s);
        break;
    case LUA_TTABLE:
        clh_match_push_capture(&s->matcher, 0);
        clh_match_charge(&s->matcher, LOOKUP_STEPS);
        lua_gettable(L, REPLACEMENT);
        add_value(L, s);
        break;
    default:
        add_template(L, s);
        s->is_changed = 1;
    }
}

static int paused(lua_State *L, int status, lua_KContext context) {
    (void)status;
    substitution *s = lua_touserdata(L, (int)context);
    clh_match_restore(&s->matcher, L, SEARCH);
    lua_settop(L, SEARCH - 1);
    return go_on(L, s);
}

/* Puts everything aside. */
static int pause(lua_State *L, substitution *s) {
    lua_settop(L, SEARCH - 1);
    if (lua_isnil(L, RECORD)) {
        substitution *kept = lua_newuserdatauv(L, sizeof *kept, 0);
        memcpy(kept, s, sizeof *kept);
        if (s->text == s->brief) kept->text = kept->brief;
        lua_replace(L, RECORD);
        s = kept;
    }
    clh_match_save(&s->matcher);
    return clh_pause(L, RECORD, paused);
}

static int go_on(lua_State *L, substitution *s) {
    clh_matcher *m = &s->matcher;
    while (s->count < s->most) {
        clh_match found = clh_match_go(m);
        if (found == CLH_MATCH_PAUSED) return pause(L, s);
        if (found == CLH_MATCH_FOUND && m->s != s->last) {
            s->count++;
            replace(L, s);
            if (!pass(s)) break;
        } else if (s->at == m->subject_end || s->is_anchored) {
            break;
        } else {
            clh_match_advance(m);
            add(L, s, s->at, (size_t)(m->start - s->at));
            s->at = m->start;
        }
    }
    return finish(L, s);
}

static void prepare(lua_State *L, substitution *s, lua_Integer most) {
    size_t length, pattern_length;
    const char *subject = lua_tolstring(L, SUBJECT, &length);
    const char *pattern = lua_tolstring(L, PATTERN, &pattern_length);
    s->at = subject;
    s->last = NULL;
    s->count = 0;
    s->most = most;
    s->is_changed = 0;
    s->is_anchored = *pattern == '^';
    s->length = 0;
    s->capacity = SHORT;
    s->text = s->brief;
    clh_match_prepare(&s->matcher, L, subject, length, subject, pattern + s->is_anchored,
                      pattern + pattern_length);
}

int clh_substitute(lua_State *L) {
    size_t length;
    luaL_checklstring(L, SUBJECT, &length);
    luaL_checkstring(L, PATTERN);
    int type = lua_type(L, REPLACEMENT);
    lua_Integer most = luaL_optinteger(L, MOST, (lua_Integer)length + 1);
    int is_text = type == LUA_TNUMBER || type == LUA_TSTRING;
    luaL_argexpected(L, is_text || type == LUA_TFUNCTION || type == LUA_TTABLE, REPLACEMENT,
                     "string/function/table");
    if (is_text) lua_tostring(L, REPLACEMENT); /* once, in place */
    lua_settop(L, MOST);
    if (type == LUA_TFUNCTION) {
        substitution *s = lua_newuserdatauv(L, sizeof *s, 0);
        lua_settop(L, SEARCH - 1);
        prepare(L, s, most);
        s->was_called_back = clh_is_called_back(L);
        clh_set_called_back(L, 1);
        return go_on(L, s);
    }
    lua_settop(L, SEARCH - 1);
    substitution s;
    prepare(L, &s, most);
    return go_on(L, &s);
}
