/* table.sort: quicksort in place, the smaller part first. A comparator that contradicts itself gives an
 * error or some order, and never a place outside the range. One comparison is one step, and what the sort
 * knows between steps lies in a userdata: so a comparator may wait for the host or use up its slice, and the
 * sort goes on. */
#include "../host.h"

#define LARGE 100     /* elements from which on the middle is not good enough a guess */
#define LOOK_EVERY 64 /* comparisons between looks at the clock */
#define RANGES_MAX 32 /* that wait: each is shorter than half of the one before, the first has under 2^31 */

/* On the stack; between steps the pivot and the left one's value are there only while a range is parted. */
enum { TABLE = 1, COMPARATOR, SORTING, PIVOT, LEFT, RIGHT };

/* What is compared: two of three elements, to put them in order, or elements with the pivot. */
typedef enum step { LOW_MIDDLE, MIDDLE_HIGH, LOW_MIDDLE_AGAIN, LEFT_PIVOT, PIVOT_RIGHT } step;

typedef struct range {
    int low, high;
} range;

typedef struct sorting {
    uint64_t random;
    unsigned comparisons;
    int was_called_back; /* by another sort or gsub, in the same coroutine */
    int has_comparator;
    int plain;           /* the pivot's type, when Lua can compare two of them without calling anything */
    step step;
    range now;
    int middle, left, right;
    int waiting;
    range later[RANGES_MAX];
} sorting;

static int pivot_place(sorting *s) {
    int low = s->now.low, count = s->now.high - low;
    if (count == 1) return s->now.high;
    if (count < LARGE) return low + count / 2;
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return low + count / 4 + (int)(s->random % (unsigned)(count / 2));
}

/* Begins with the first of the ranges that has two elements; 0 when nothing is left to sort. */
static int begin(sorting *s, range first, range second) {
    if (second.low < second.high) s->later[s->waiting++] = second;
    if (first.low >= first.high) {
        if (s->waiting == 0) return 0;
        first = s->later[--s->waiting];
    }
    s->now = first;
    s->middle = pivot_place(s);
    s->step = LOW_MIDDLE;
    return 1;
}

/* Takes the two values on top: the upper one goes to `upper`. */
static void store(lua_State *L, int lower, int upper) {
    lua_seti(L, TABLE, upper);
    lua_seti(L, TABLE, lower);
}

static int is_plain(int type) { return type == LUA_TNUMBER || type == LUA_TSTRING; }

static inline int fetch_two(lua_State *L, int lower, int upper) {
    int type = lua_geti(L, TABLE, lower);
    return lua_geti(L, TABLE, upper) == type && is_plain(type);
}

/* Pushes what the step compares; whether that can be compared without calling anything. */
static inline int fetch(lua_State *L, const sorting *s) {
    switch (s->step) {
    case LEFT_PIVOT: return lua_geti(L, TABLE, s->left) == s->plain;
    case PIVOT_RIGHT: return lua_geti(L, TABLE, s->right) == s->plain;
    case MIDDLE_HIGH: return fetch_two(L, s->middle, s->now.high);
    default: return fetch_two(L, s->now.low, s->middle);
    }
}

/* The pivot, the median of three, waits in the last place but one. */
static void begin_parting(lua_State *L, sorting *s) {
    s->left = s->now.low + 1;
    s->right = s->now.high - 1;
    s->step = LEFT_PIVOT;
    int type = lua_geti(L, TABLE, s->middle);
    s->plain = is_plain(type) ? type : LUA_TNONE;
    lua_pushvalue(L, PIVOT);
    lua_geti(L, TABLE, s->right);
    lua_insert(L, -2);
    store(L, s->middle, s->right);
}

static int end_parting(lua_State *L, sorting *s) {
    store(L, s->left, s->now.high - 1); /* the pivot, and left's value, which is not before it */
    range below = {s->now.low, s->left - 1}, above = {s->left + 1, s->now.high};
    int is_below_smaller = s->left - s->now.low < s->now.high - s->left;
    return is_below_smaller ? begin(s, below, above) : begin(s, above, below);
}

static int invalid(lua_State *L) { return luaL_error(L, "invalid order function for sorting"); }

/* Goes on from a comparison; 0 at the end. */
static inline int decide(lua_State *L, sorting *s, int precedes) {
    static const range none = {0, 0};
    switch (s->step) {
    case LEFT_PIVOT:
        if (precedes) {
            if (s->left >= s->now.high - 1) return invalid(L);
            lua_pop(L, 1);
            s->left++;
        } else {
            s->right--;
            s->step = PIVOT_RIGHT;
        }
        return 1;
    case PIVOT_RIGHT:
        if (precedes) {
            if (s->right <= s->now.low) return invalid(L);
            lua_pop(L, 1);
            s->right--;
            return 1;
        }
        if (s->right <= s->left) {
            lua_pop(L, 1);
            return end_parting(L, s);
        }
        lua_insert(L, LEFT); /* right's, left's */
        store(L, s->left, s->right);
        s->left++;
        s->step = LEFT_PIVOT;
        return 1;
    default: break;
    }
    if (precedes) {
        lua_insert(L, -2);
        if (s->step == MIDDLE_HIGH) store(L, s->middle, s->now.high);
        else store(L, s->now.low, s->middle);
    } else {
        lua_pop(L, 2);
    }
    if (s->now.high - s->now.low == 1) return begin(s, none, none);
    if (s->step != LOW_MIDDLE_AGAIN) s->step++;
    else if (s->now.high - s->now.low == 2) return begin(s, none, none);
    else begin_parting(L, s);
    return 1;
}

static int go_on(lua_State *L, sorting *s);

static int finish(lua_State *L, const sorting *s) {
    clh_set_called_back(L, s->was_called_back);
    return 0;
}

static int compared(lua_State *L, int status, lua_KContext context) {
    (void)status;
    sorting *s = lua_touserdata(L, (int)context);
    int precedes = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return decide(L, s, precedes) ? go_on(L, s) : finish(L, s);
}

static int paused(lua_State *L, int status, lua_KContext context) {
    (void)status;
    return go_on(L, lua_touserdata(L, (int)context));
}

/* Pushes what decides, if that is a function. */
static int push_comparator(lua_State *L, const sorting *s, int a, int b) {
    if (s->has_comparator) {
        lua_pushvalue(L, COMPARATOR);
        return 1;
    }
    return luaL_getmetafield(L, a, "__lt") != LUA_TNIL || luaL_getmetafield(L, b, "__lt") != LUA_TNIL;
}

static int go_on(lua_State *L, sorting *s) {
    int precedes;
    do {
        if (++s->comparisons % LOOK_EVERY == 0 && clh_poll(clh_host(L), L)) {
            return clh_pause(L, SORTING, paused);
        }
        int is_easy = fetch(L, s) && !s->has_comparator;
        int a = LEFT, b = PIVOT; /* two elements to be put in order lie there, the upper one second */
        if (s->step == PIVOT_RIGHT) a = PIVOT, b = RIGHT;
        if (is_easy || !push_comparator(L, s, a, b)) {
            precedes = lua_compare(L, a, b, LUA_OPLT);
            continue;
        }
        lua_pushvalue(L, a);
        lua_pushvalue(L, b);
        lua_callk(L, 2, 1, SORTING, compared);
        precedes = lua_toboolean(L, -1);
        lua_pop(L, 1);
    } while (decide(L, s, precedes));
    return finish(L, s);
}

int clh_sort(lua_State *L) {
    luaL_checktype(L, TABLE, LUA_TTABLE);
    lua_Integer count = (lua_Integer)lua_rawlen(L, TABLE);
    if (count < 2) return 0;
    luaL_argcheck(L, count < INT_MAX, TABLE, "array too big");
    if (!lua_isnoneornil(L, COMPARATOR)) luaL_checktype(L, COMPARATOR, LUA_TFUNCTION);
    lua_settop(L, COMPARATOR);
    sorting *s = lua_newuserdatauv(L, sizeof *s, 0);
    s->random = clh_host(L)->seed[0] | 1;
    s->comparisons = 0;
    s->waiting = 0;
    s->has_comparator = !lua_isnil(L, COMPARATOR);
    s->was_called_back = clh_is_called_back(L);
    clh_set_called_back(L, 1);
    begin(s, (range){1, (int)count}, (range){0, 0});
    return go_on(L, s);
}
