/* table.sort: quicksort in place, the smaller part first. A comparator that contradicts itself gives an
 * error or some order, and never a place outside the range. */
#include "../host.h"

#define LARGE 100      /* elements from which on the middle is not good enough a guess */
#define LOOK_EVERY 64  /* comparisons between looks at the clock */

typedef struct sorting {
    lua_State *L;
    uint64_t random;
    unsigned comparisons;
} sorting;

/* Whether the value at stack index `a` comes before the one at `b`. */
static int precedes(sorting *s, int a, int b) {
    lua_State *L = s->L;
    if (++s->comparisons % LOOK_EVERY == 0) clh_check_budget(clh_host(L), L);
    if (lua_isnil(L, 2)) return lua_compare(L, a, b, LUA_OPLT);
    a = lua_absindex(L, a);
    b = lua_absindex(L, b);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 2, 1);
    int result = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return result;
}

/* Takes the two values on top: the upper one goes to `upper`. */
static void store(sorting *s, lua_Integer lower, lua_Integer upper) {
    lua_seti(s->L, 1, upper);
    lua_seti(s->L, 1, lower);
}

/* Puts two elements in order. */
static void order(sorting *s, lua_Integer lower, lua_Integer upper) {
    lua_State *L = s->L;
    lua_geti(L, 1, lower);
    lua_geti(L, 1, upper);
    if (precedes(s, -1, -2)) {
        lua_insert(L, -2);
        store(s, lower, upper);
    } else {
        lua_pop(L, 2);
    }
}

static lua_Integer pivot_place(sorting *s, lua_Integer low, lua_Integer high) {
    lua_Integer count = high - low;
    if (count < LARGE) return low + count / 2;
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return low + count / 4 + (lua_Integer)(s->random % (lua_Unsigned)(count / 2));
}

/* Parts the range round a pivot, which is the median of three. Gives the pivot's place. */
static lua_Integer part(sorting *s, lua_Integer low, lua_Integer high) {
    static const char invalid[] = "invalid order function for sorting";
    lua_State *L = s->L;
    lua_Integer middle = pivot_place(s, low, high), left = low, right = high - 1;
    order(s, low, middle);
    order(s, middle, high);
    order(s, low, middle);
    if (high - low == 2) return middle;
    lua_geti(L, 1, middle);
    int pivot = lua_gettop(L);
    lua_pushvalue(L, pivot); /* the pivot waits in the last place but one */
    lua_geti(L, 1, right);
    lua_insert(L, -2);
    store(s, middle, right);
    for (;;) {
        while (lua_geti(L, 1, ++left), precedes(s, -1, pivot)) {
            if (left >= high - 1) luaL_error(L, invalid);
            lua_pop(L, 1);
        }
        while (lua_geti(L, 1, --right), precedes(s, pivot, -1)) {
            if (right <= low) luaL_error(L, invalid);
            lua_pop(L, 1);
        }
        if (right <= left) break;
        lua_insert(L, -2); /* right's, left's */
        store(s, left, right);
    }
    lua_settop(L, pivot + 1); /* the pivot, and left's value, which is not before it */
    store(s, left, high - 1);
    return left;
}

static void sort(sorting *s, lua_Integer low, lua_Integer high) {
    while (low < high) {
        if (high - low == 1) {
            order(s, low, high);
            return;
        }
        lua_Integer place = part(s, low, high);
        if (high - low == 2) return;
        if (place - low < high - place) {
            sort(s, low, place - 1);
            low = place + 1;
        } else {
            sort(s, place + 1, high);
            high = place - 1;
        }
    }
}

int clh_sort(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
    if (count < 2) return 0;
    luaL_argcheck(L, count < INT_MAX, 1, "array too big");
    if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    luaL_checkstack(L, 40, NULL);
    sorting s = {.L = L, .random = clh_host(L)->seed[0] | 1};
    sort(&s, 1, count);
    return 0;
}
