/* Lua's patterns, matched with a stack of its own in place of C recursion: a match can be interrupted
 * at any step, and goes on later, and what it costs is counted. */
#ifndef PERIGEE_CLUAHOST_MATCHER_H
#define PERIGEE_CLUAHOST_MATCHER_H
#include <lua.h>
#include <stddef.h>
#include <stdint.h>

#define CLH_CAPTURES_MAX 32  /* as in stock Lua */
#define CLH_CHOICES_MAX 199  /* open alternatives; one more is stock Lua's "pattern too complex" */
#ifndef CLH_MATCH_STEPS              /* a fuzzer has less patience */
#define CLH_MATCH_STEPS (4 << 20)    /* that a call may take, */
#define CLH_MATCH_STEPS_PER_BYTE 64  /* and for each byte of its subject; some 6 ns each */
#endif

/* Lengths of captures that are not texts. */
enum { CLH_CAPTURE_OPEN = -1, CLH_CAPTURE_POSITION = -2 };

typedef struct clh_capture {
    const char *start;
    ptrdiff_t length;
} clh_capture;

/* Something to be tried or undone when what follows does not match. */
typedef struct clh_choice {
    enum { CLH_UNDO_OPEN, CLH_UNDO_CLOSE, CLH_TRY_WITHOUT, CLH_TRY_FEWER, CLH_TRY_MORE } kind;
    int capture;
    const char *subject; /* where the item began to match */
    const char *item;
    const char *rest;    /* of the pattern, behind the item */
    size_t count;        /* TRY_FEWER: characters that the item holds now */
} clh_choice;

typedef struct clh_matcher {
    const char *subject, *subject_end, *pattern_end;
    const char *start;        /* where the attempt began */
    const char *s, *p;        /* where it goes on; after a match `s` is its end */
    const char *pattern;      /* behind a '^' */
    const char *lead, *lead_end; /* what every match begins with, a character; or NULL */
    lua_State *L;
    clh_choice *choices;      /* the state's */
    int64_t fuel, reserve;    /* steps until the next look at the clock, and after it */
    size_t partial, nesting;  /* what an interrupted item has done so far */
    int choice_count;
    int capture_count;
    clh_capture captures[CLH_CAPTURES_MAX];
} clh_matcher;

typedef enum clh_match { CLH_MATCH_NONE = 0, CLH_MATCH_FOUND, CLH_MATCH_PAUSED } clh_match;

/* The subject and the pattern are strings that stay on the stack. The first attempt begins at `start`. */
void clh_match_prepare(clh_matcher *m, lua_State *L, const char *subject, size_t length, const char *start,
                       const char *pattern, const char *pattern_end);
void clh_match_begin(clh_matcher *m, const char *start);
/* Begins at the next place, behind the last attempt's, where a match is possible. */
void clh_match_advance(clh_matcher *m);
/* Counts work between two matches, so that the clock is looked at in time; it is no part of what a call may
 * take. */
static inline void clh_match_charge(clh_matcher *m, size_t steps) {
    m->fuel -= (int64_t)steps;
    m->reserve += (int64_t)steps;
}
/* Tries to match from where the matcher is. PAUSED: the slice is over; save, clh_pause, restore and call
 * this again. Raises for a malformed pattern, and ends a run whose budget is used up. */
clh_match clh_match_go(clh_matcher *m);
/* Pushes the matcher as a userdata, and takes it back. */
void clh_match_save(const clh_matcher *m);
void clh_match_restore(clh_matcher *m, lua_State *L, int index);

/* The capture `index`, or the whole match for index 0 without captures; `text` is NULL for a position, and
 * the position is pushed. */
void clh_match_capture(const clh_matcher *m, int index, const char **text, size_t *length);
void clh_match_push_capture(const clh_matcher *m, int index);
/* Pushes all captures; without any, the whole match if `or_whole`. Gives how many. */
int clh_match_push_captures(const clh_matcher *m, int or_whole);
#endif
