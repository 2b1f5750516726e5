/* The pattern matcher. Backtracking alternatives lie on the state's own stack of choices: no more of them
 * than stock Lua allows levels of recursion, and only while a match runs, which calls no Lua code. */
#include "matcher.h"

#include "../host.h"

#include <ctype.h>

#define FUEL 4096 /* steps between looks at the clock */

typedef struct cursor {
    const char *s, *p;
} cursor;

typedef enum { NEXT, FAIL, FOUND, PAUSE } outcome;

static inline int byte(const char *at) { return (unsigned char)*at; }

/* ---- cost ---------------------------------------------------------------------------------------------- */

/* Whether to pause. */
static __attribute__((noinline)) int refuel(clh_matcher *m) {
    m->reserve += m->fuel - FUEL; /* what was taken beyond the last fill */
    m->fuel = FUEL;
    if (m->reserve < 0) luaL_error(m->L, "pattern too complex");
    return clh_poll(clh_host(m->L), m->L);
}

static inline int spend(clh_matcher *m, size_t steps) {
    return (m->fuel -= (int64_t)steps) < 0 && refuel(m);
}

/* ---- single characters --------------------------------------------------------------------------------- */

/* By character: its classes. By letter: the class that it names, and whether its complement. */
static uint16_t classes_of[256], class_named[256];
#define COMPLEMENT 0x8000

static __attribute__((constructor)) void fill_classes(void) {
    static const char letters[] = "acdglpsuwxz";
    for (int c = 0; c < 256; c++) {
        const int is[] = {isalpha(c), iscntrl(c), isdigit(c), isgraph(c), islower(c), ispunct(c),
                          isspace(c), isupper(c), isalnum(c), isxdigit(c), c == 0};
        for (unsigned i = 0; letters[i]; i++)
            if (is[i]) classes_of[c] |= (uint16_t)(1u << i);
    }
    for (unsigned i = 0; letters[i]; i++) { /* z: not in the manual any more, but in 5.4 */
        class_named[(int)letters[i]] = (uint16_t)(1u << i);
        class_named[toupper(letters[i])] = (uint16_t)(1u << i | COMPLEMENT);
    }
}

static inline int in_class(int c, int letter) {
    unsigned class = class_named[letter];
    if (class == 0) return letter == c;
    return ((classes_of[c] & class) != 0) != (class >= COMPLEMENT);
}

/* The set from `p`, a '[', to `last`, its ']'. */
static int in_set(int c, const char *p, const char *last) {
    int found = 1;
    p++;
    if (*p == '^') {
        found = 0;
        p++;
    }
    for (; p < last; p++) {
        if (*p == '%') {
            if (in_class(c, byte(++p))) return found;
        } else if (p[1] == '-' && p + 2 < last) {
            if (byte(p) <= c && c <= byte(p + 2)) return found;
            p += 2;
        } else if (byte(p) == c) {
            return found;
        }
    }
    return !found;
}

/* The end of the single-character item at `p`. */
static inline const char *item_end(const clh_matcher *m, const char *p) {
    char first = *p++;
    if (first == '%') {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (first != '[') return p;
    if (*p == '^') p++;
    do { /* a ']' that comes first stands for itself */
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%' && p < m->pattern_end) p++;
    } while (*p != ']' || p == m->pattern_end);
    return p + 1;
}

static inline int is_one(const clh_matcher *m, const char *s, const char *item, const char *end) {
    if (s >= m->subject_end) return 0;
    switch (*item) {
    case '.': return 1;
    case '%': return in_class(byte(s), byte(item + 1));
    case '[': return in_set(byte(s), item, end - 1);
    default: return *item == *s;
    }
}

/* ---- choices ------------------------------------------------------------------------------------------- */

static inline clh_choice *choose(clh_matcher *m) {
    if (m->choice_count == CLH_CHOICES_MAX) luaL_error(m->L, "pattern too complex");
    return &m->choices[m->choice_count++];
}

/* Goes back to the newest choice that has something left to try. */
static outcome back_up(clh_matcher *m, cursor *c) {
    for (; m->choice_count > 0; m->choice_count--) {
        clh_choice *choice = &m->choices[m->choice_count - 1];
        switch (choice->kind) {
        case CLH_UNDO_OPEN: m->capture_count--; continue;
        case CLH_UNDO_CLOSE: m->captures[choice->capture].length = CLH_CAPTURE_OPEN; continue;
        case CLH_TRY_WITHOUT: m->choice_count--; break;
        case CLH_TRY_FEWER:
            if (choice->count == 0) continue;
            choice->count--;
            break;
        case CLH_TRY_MORE:
            m->fuel -= choice->rest - choice->item;
            if (!is_one(m, choice->subject, choice->item, choice->rest - 1)) continue;
            choice->subject++;
            break;
        }
        c->s = choice->subject + (choice->kind == CLH_TRY_FEWER ? choice->count : 0);
        c->p = choice->rest;
        return NEXT;
    }
    return FAIL;
}

/* An item followed by '*' or '+', which holds as much as it can at first. */
static inline outcome repeat(clh_matcher *m, cursor *c, const char *end, size_t least) {
    size_t count = m->partial > least ? m->partial : least;
    if (*c->p == '.') {
        count = (size_t)(m->subject_end - c->s);
    } else {
        size_t cost = (size_t)(end - c->p);
        for (; is_one(m, c->s + count, c->p, end); count++) {
            if (!spend(m, cost)) continue;
            m->partial = count;
            return PAUSE;
        }
    }
    m->partial = 0;
    clh_choice *choice = choose(m);
    choice->kind = CLH_TRY_FEWER;
    choice->subject = c->s + least;
    choice->count = count - least;
    choice->rest = end + 1;
    c->s += count;
    c->p = end + 1;
    return NEXT;
}

/* A single-character item and its suffix. */
static inline outcome item(clh_matcher *m, cursor *c) {
    const char *end = item_end(m, c->p);
    char suffix = *end;
    m->fuel -= end - c->p;
    if (!is_one(m, c->s, c->p, end)) {
        if (suffix != '*' && suffix != '?' && suffix != '-') return FAIL;
        c->p = end + 1;
        return NEXT;
    }
    switch (suffix) {
    case '*': return repeat(m, c, end, 0);
    case '+': return repeat(m, c, end, 1);
    case '?':
    case '-': {
        clh_choice *choice = choose(m);
        choice->kind = suffix == '?' ? CLH_TRY_WITHOUT : CLH_TRY_MORE;
        choice->subject = c->s;
        choice->item = c->p;
        choice->rest = end + 1;
        c->s += suffix == '?';
        c->p = end + 1;
        return NEXT;
    }
    default:
        c->s++;
        c->p = end;
        return NEXT;
    }
}

/* ---- captures and the items with a '%' ----------------------------------------------------------------- */

static outcome open_capture(clh_matcher *m, cursor *c) {
    int is_position = c->p[1] == ')', index = m->capture_count;
    if (index >= CLH_CAPTURES_MAX) luaL_error(m->L, "too many captures");
    m->captures[index].start = c->s;
    m->captures[index].length = is_position ? CLH_CAPTURE_POSITION : CLH_CAPTURE_OPEN;
    m->capture_count++;
    choose(m)->kind = CLH_UNDO_OPEN;
    c->p += is_position ? 2 : 1;
    return NEXT;
}

static outcome close_capture(clh_matcher *m, cursor *c) {
    int index = m->capture_count - 1;
    while (index >= 0 && m->captures[index].length != CLH_CAPTURE_OPEN) index--;
    if (index < 0) luaL_error(m->L, "invalid pattern capture");
    m->captures[index].length = c->s - m->captures[index].start;
    clh_choice *choice = choose(m);
    choice->kind = CLH_UNDO_CLOSE;
    choice->capture = index;
    c->p++;
    return NEXT;
}

/* %bxy */
static outcome balanced(clh_matcher *m, cursor *c) {
    if (c->p + 3 >= m->pattern_end) {
        luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    }
    char opening = c->p[2], closing = c->p[3];
    if (c->s >= m->subject_end || *c->s != opening) return FAIL;
    size_t done = m->partial ? m->partial : 1, depth = m->partial ? m->nesting : 1;
    m->partial = 0;
    for (; done < (size_t)(m->subject_end - c->s); done++) {
        if (spend(m, 1)) {
            m->partial = done;
            m->nesting = depth;
            return PAUSE;
        }
        char here = c->s[done];
        if (here == closing) {
            if (--depth > 0) continue;
            c->s += done + 1;
            c->p += 4;
            return NEXT;
        }
        if (here == opening) depth++;
    }
    return FAIL;
}

/* %f[set] */
static outcome frontier(clh_matcher *m, cursor *c) {
    const char *set = c->p + 2;
    if (*set != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
    const char *end = item_end(m, set);
    m->fuel -= 2 * (end - set);
    int before = c->s == m->subject ? 0 : byte(c->s - 1);
    int here = c->s == m->subject_end ? 0 : byte(c->s);
    if (in_set(before, set, end - 1) || !in_set(here, set, end - 1)) return FAIL;
    c->p = end;
    return NEXT;
}

/* %1 */
static outcome repeated_capture(clh_matcher *m, cursor *c) {
    int index = c->p[1] - '1';
    if (index < 0 || index >= m->capture_count || m->captures[index].length == CLH_CAPTURE_OPEN) {
        luaL_error(m->L, "invalid capture index %%%d", index + 1);
    }
    size_t length = (size_t)m->captures[index].length; /* a position is longer than anything */
    if (length > (size_t)(m->subject_end - c->s)) return FAIL;
    m->fuel -= (int64_t)(length / 16);
    if (memcmp(m->captures[index].start, c->s, length) != 0) return FAIL;
    c->s += length;
    c->p += 2;
    return NEXT;
}

static outcome escape(clh_matcher *m, cursor *c) {
    switch (c->p[1]) {
    case 'b': return balanced(m, c);
    case 'f': return frontier(m, c);
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9': return repeated_capture(m, c);
    default: return item(m, c);
    }
}

/* ---- a match ------------------------------------------------------------------------------------------- */

static inline outcome step(clh_matcher *m, cursor *c) {
    if (spend(m, 1)) return PAUSE;
    if (c->p == m->pattern_end) return FOUND;
    switch (*c->p) {
    case '(': return open_capture(m, c);
    case ')': return close_capture(m, c);
    case '%': return escape(m, c);
    case '$':
        if (c->p + 1 == m->pattern_end) return c->s == m->subject_end ? FOUND : FAIL;
        return item(m, c);
    default: return item(m, c);
    }
}

clh_match clh_match_go(clh_matcher *m) {
    cursor c = {m->s, m->p};
    for (;;) {
        outcome result = step(m, &c);
        if (result == FAIL) result = back_up(m, &c);
        if (result == NEXT) continue;
        m->s = c.s;
        m->p = c.p;
        return result == FOUND ? CLH_MATCH_FOUND : result == PAUSE ? CLH_MATCH_PAUSED : CLH_MATCH_NONE;
    }
}

void clh_match_prepare(clh_matcher *m, lua_State *L, const char *subject, size_t length, const char *start,
                       const char *pattern, const char *pattern_end) {
    m->L = L;
    m->choices = clh_host(L)->choices;
    m->subject = subject;
    m->subject_end = subject + length;
    m->pattern = pattern;
    m->pattern_end = pattern_end;
    m->lead_end = NULL;
    m->fuel = FUEL;
    m->reserve = CLH_MATCH_STEPS + CLH_MATCH_STEPS_PER_BYTE * (int64_t)length - FUEL;
    clh_match_begin(m, start);
}

void clh_match_begin(clh_matcher *m, const char *start) {
    m->start = m->s = start;
    m->p = m->pattern;
    m->partial = 0;
    m->choice_count = 0;
    m->capture_count = 0;
}

/* Finds out what every match begins with. The pattern has been tried once and is well-formed so far. */
static void find_lead(clh_matcher *m) {
    const char *lead = m->pattern;
    while (*lead == '(' && lead[1] != ')') lead++;
    m->lead = NULL;
    m->lead_end = lead;
    if (lead >= m->pattern_end || *lead == '(' || *lead == ')' || *lead == '$') return;
    if (*lead == '%' && (lead[1] == 'b' || lead[1] == 'f' || isdigit((unsigned char)lead[1]))) return;
    m->lead_end = item_end(m, lead);
    m->fuel -= m->lead_end - lead;
    if (*m->lead_end != '*' && *m->lead_end != '?' && *m->lead_end != '-') m->lead = lead;
}

void clh_match_advance(clh_matcher *m) {
    const char *start = m->start + 1, *lead;
    if (!m->lead_end) find_lead(m);
    if ((lead = m->lead) != NULL) {
        int64_t cost = m->lead_end - lead;
        while (start < m->subject_end && m->fuel > 0 && !is_one(m, start, lead, m->lead_end)) {
            m->fuel -= cost;
            start++;
        }
    }
    clh_match_begin(m, start);
}

/* ---- interruption -------------------------------------------------------------------------------------- */

void clh_match_save(const clh_matcher *m) {
    size_t open = (size_t)m->choice_count * sizeof(clh_choice);
    char *saved = lua_newuserdatauv(m->L, sizeof *m + open, 0);
    memcpy(saved, m, sizeof *m);
    memcpy(saved + sizeof *m, m->choices, open);
}

void clh_match_restore(clh_matcher *m, lua_State *L, int index) {
    const char *saved = lua_touserdata(L, index);
    memcpy(m, saved, sizeof *m);
    m->L = L;
    memcpy(m->choices, saved + sizeof *m, (size_t)m->choice_count * sizeof(clh_choice));
}

/* ---- captures of a match ------------------------------------------------------------------------------- */

void clh_match_capture(const clh_matcher *m, int index, const char **text, size_t *length) {
    if (index >= m->capture_count) {
        if (index > 0) luaL_error(m->L, "invalid capture index %%%d", index + 1);
        *text = m->start;
        *length = (size_t)(m->s - m->start);
        return;
    }
    const clh_capture *capture = &m->captures[index];
    if (capture->length == CLH_CAPTURE_OPEN) luaL_error(m->L, "unfinished capture");
    if (capture->length == CLH_CAPTURE_POSITION) {
        lua_pushinteger(m->L, capture->start - m->subject + 1);
        *text = NULL;
        *length = 0;
        return;
    }
    *text = capture->start;
    *length = (size_t)capture->length;
}

void clh_match_push_capture(const clh_matcher *m, int index) {
    const char *text;
    size_t length;
    clh_match_capture(m, index, &text, &length);
    if (text) lua_pushlstring(m->L, text, length);
}

int clh_match_push_captures(const clh_matcher *m, int or_whole) {
    int count = m->capture_count == 0 && or_whole ? 1 : m->capture_count;
    luaL_checkstack(m->L, count, "too many captures");
    for (int index = 0; index < count; index++) clh_match_push_capture(m, index);
    return count;
}
