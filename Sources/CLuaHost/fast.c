/* Calls of fast host functions: scalars, and tables of them, in and out, through one record of the state;
 * attempts take tables in tables as well.
 * The host's frame is gone before anything is raised or pushed. */
#include "host.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LIKELY(condition) __builtin_expect(!!(condition), 1)

static int too_many(lua_State *L) {
    return luaL_error(L, "too many values (%d at most)", CLH_FAST_VALUES);
}

/* The misuse, or results that did not fit. */
static __attribute__((noinline)) int problem(lua_State *L, const clh_op *op, const clh_fast_call *call) {
    if (call->is_misuse && !call->is_overflown) {
        return clh_raise(L, (const char *)call->bytes, call->byte_count);
    }
    char text[300];
    int length = snprintf(text, sizeof text, "%.200s: the results do not fit", op->path);
    return clh_raise(L, text, (size_t)length);
}

/* Fills `to` with the value at `index`, unless it has parts; `index` is not negative. */
static inline int take_scalar(lua_State *L, int index, int type, clh_scalar *to) {
    switch (type) {
    case LUA_TNIL: to->type = CLH_NIL; return 1;
    case LUA_TBOOLEAN:
        to->type = CLH_BOOLEAN;
        to->boolean = lua_toboolean(L, index);
        return 1;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            to->type = CLH_INTEGER;
            to->integer = lua_tointegerx(L, index, NULL);
            return 1;
        }
        to->type = CLH_FLOAT;
        to->number = lua_tonumberx(L, index, NULL);
        return isfinite(to->number);
    case LUA_TSTRING:
        to->type = CLH_TEXT;
        to->text = (const uint8_t *)lua_tolstring(L, index, &to->length);
        return 1;
    default: return 0;
    }
}

/* A table that cannot be passed: the encoder knows what to say about one that no function takes. */
static void refuse_table(lua_State *L, const clh_op *op, int argument) {
    int before = op->receiver != NULL;
    clh_encode(op->host, L, op, 1 + before, lua_gettop(L) - before);
    clh_refuse_argument(L, op, argument, "only a table of at most 256 plain fields or items can be passed");
}

/* Tables that are being taken, lent until the call is over: they keep their texts. */
typedef struct taking {
    lua_State *L;
    clh_state *host;
    clh_scalar *next, *end; /* room for items */
    size_t left;            /* bytes that they may be, encoded */
    int depth_max;
} taking;

/* Whether the value is counted in; about what it would be, encoded. */
static inline int has_room(taking *t, const clh_scalar *value) {
    size_t size = value->type == CLH_TEXT ? value->length + 5 : 9;
    if (size > t->left) return 0;
    t->left -= size;
    return 1;
}

/* The value at `place`; a table is left for `take_parts`. */
static inline int take_item(taking *t, int place, clh_scalar *to, int depth, int *has_parts) {
    int type = lua_type(t->L, place);
    if (type == LUA_TTABLE && depth < t->depth_max) {
        to->type = CLH_OTHER;
        *has_parts = 1;
        return 1;
    }
    return take_scalar(t->L, place, type, to) && has_room(t, to);
}

static int take_list(taking *t, int index, clh_scalar *to, size_t length, int depth, int *has_parts) {
    lua_State *L = t->L;
    clh_scalar *items = t->next;
    if (length > (size_t)(t->end - items)) return 0;
    t->next += length;
    lua_pushnil(L);
    int key = lua_gettop(L);
    size_t count = 0;
    for (; lua_next(L, index); count++) {
        if (!lua_isinteger(L, key)) return 0;
        lua_Integer place = lua_tointegerx(L, key, NULL);
        if (place < 1 || (lua_Unsigned)place > length) return 0;
        if (!take_item(t, key + 1, &items[place - 1], depth, has_parts)) return 0;
        lua_settop(L, key);
    }
    to->type = CLH_LIST;
    to->length = count;
    return count == length; /* else it has holes */
}

static int take_map(taking *t, int index, clh_scalar *to, int depth, int *has_parts) {
    lua_State *L = t->L;
    lua_pushnil(L);
    int key = lua_gettop(L);
    size_t count = 0;
    for (; lua_next(L, index); count++) {
        clh_scalar *pair = t->next;
        if (t->end - pair < 2 || lua_type(L, key) != LUA_TSTRING) return 0;
        t->next += 2;
        pair->type = CLH_TEXT;
        pair->text = (const uint8_t *)lua_tolstring(L, key, &pair->length);
        if (!has_room(t, pair) || !take_item(t, key + 1, pair + 1, depth, has_parts)) return 0;
        lua_settop(L, key);
    }
    to->type = CLH_MAP;
    to->length = count;
    return 1;
}

static int take_parts(taking *t, int index, const clh_scalar *of, clh_scalar *items, int depth);

/* Pairs of name and value, or items in order. 0 for what cannot be taken; it leaves values on the stack. */
static int take_table(taking *t, int index, clh_scalar *to, int depth) {
    int has_parts = 0;
    clh_scalar *items = t->next;
    if (lua_getmetatable(t->L, index)) return 0;
    size_t length = (size_t)lua_rawlen(t->L, index);
    to->items = items;
    if (length ? !take_list(t, index, to, length, depth, &has_parts)
               : !take_map(t, index, to, depth, &has_parts)) {
        return 0;
    }
    return !has_parts || take_parts(t, index, to, items, depth);
}

/* The tables among the items of one. */
static int take_parts(taking *t, int index, const clh_scalar *of, clh_scalar *items, int depth) {
    lua_State *L = t->L;
    luaL_checkstack(L, 6, "value nested too deeply");
    for (size_t item = 0; item < of->length; item++) {
        clh_scalar *to = of->type == CLH_MAP ? &items[2 * item + 1] : &items[item];
        if (to->type != CLH_OTHER) continue;
        clh_check_budget(t->host, L); /* an emptied table costs much and gives nothing */
        if (of->type == CLH_MAP) {
            lua_pushlstring(L, (const char *)to[-1].text, to[-1].length);
            lua_rawget(L, index);
        } else {
            lua_rawgeti(L, index, (lua_Integer)item + 1);
        }
        if (!take_table(t, lua_gettop(L), to, depth + 1)) return 0;
        lua_pop(L, 1);
    }
    return 1;
}

/* Room for the items of tables; 0 without memory. */
static int has_items(clh_state *host) {
    if (host->fast_items) return 1;
    int could_leave = clh_stay(host);
    host->fast_items = calloc(CLH_FAST_ITEMS, sizeof *host->fast_items);
    clh_may_leave(host, could_leave);
    return host->fast_items != NULL;
}

/* An argument that is no scalar, or one that may be too long. Gives how many items it has used. */
static __attribute__((noinline)) int take(lua_State *L, const clh_op *op, int argument, int index,
                                          clh_scalar *to, int used) {
    clh_state *host = op->host;
    int type = lua_type(L, index);
    if (type == LUA_TTABLE) { /* with room for LUA_MINSTACK values, as in any C function */
        if (!has_items(host)) return luaL_error(L, "not enough memory");
        taking t = {L, host, host->fast_items + used, host->fast_items + CLH_FAST_ITEMS, SIZE_MAX, 0};
        if (!take_table(&t, index, to, 0)) refuse_table(L, op, argument);
        return (int)(t.next - host->fast_items);
    }
    if (!take_scalar(L, index, type, to)) {
        clh_refuse_argument(L, op, argument,
                            type == LUA_TNUMBER ? "a number that is not finite cannot be passed"
                                                : "only plain data can be passed");
    }
    if (type == LUA_TSTRING && to->length > host->limits.value_max) {
        clh_refuse_argument(L, op, argument, "a string this long cannot be passed");
    }
    return used;
}

/* Pushes the value at `at`; gives what follows it. The callback's counts are not trusted. */
static const clh_scalar *push(lua_State *L, const clh_scalar *at, const clh_scalar *end, int depth) {
    const clh_scalar *value = at++;
    size_t count = value->length;
    switch (value->type) {
    case CLH_BOOLEAN: lua_pushboolean(L, value->boolean); break;
    case CLH_INTEGER: lua_pushinteger(L, value->integer); break;
    case CLH_FLOAT: lua_pushnumber(L, value->number); break;
    case CLH_TEXT: lua_pushlstring(L, (const char *)value->text, value->length); break;
    case CLH_NAME: lua_pushstring(L, value->name); break;
    case CLH_ENCODED: clh_decode_value(L, value->text, value->length); break;
    case CLH_LIST:
        if (depth > CLH_FAST_VALUES || count > (size_t)(end - at)) return NULL;
        if (depth > 0) luaL_checkstack(L, 4, NULL);
        lua_createtable(L, (int)count, 0);
        for (size_t item = 1; item <= count; item++) {
            if (at == end || !(at = push(L, at, end, depth + 1))) return NULL;
            lua_rawseti(L, -2, (lua_Integer)item);
        }
        break;
    case CLH_MAP:
        if (depth > CLH_FAST_VALUES || count > (size_t)(end - at) / 2) return NULL;
        if (depth > 0) luaL_checkstack(L, 4, NULL);
        lua_createtable(L, 0, (int)count);
        for (size_t field = 0; field < count; field++) {
            if (end - at < 2) return NULL;
            const clh_scalar *name = at;
            if (name->type == CLH_TEXT) lua_pushlstring(L, (const char *)name->text, name->length);
            else if (name->type != CLH_NAME) return NULL;
            if (!(at = push(L, at + 1, end, depth + 1))) return NULL;
            if (name->type == CLH_NAME) lua_setfield(L, -2, name->name); /* the table has no metatable */
            else lua_rawset(L, -3);
        }
        break;
    default: lua_pushnil(L);
    }
    return at;
}

/* The results when there are many, or tables among them. */
static __attribute__((noinline)) int push_all(lua_State *L, const clh_op *op, const clh_fast_call *call) {
    const clh_scalar *at = call->results, *end = at + call->result_count;
    int count = 0;
    for (; at < end; count++) {
        if (count == CLH_FAST_VALUES || !(at = push(L, at, end, 0))) {
            clh_fast_call refused = {.is_overflown = 1};
            return problem(L, op, &refused);
        }
    }
    return count;
}

uint8_t *clh_fast_room(clh_fast_call *call, size_t length) {
    if (length <= call->byte_capacity - call->byte_count) {
        call->byte_count += length;
        return call->bytes + call->byte_count - length;
    }
    clh_state *host = call->state;
    if (call->has_large) return NULL;
    host->reply.length = 0;
    call->has_large = clh_buffer_reserve(&host->reply, length) == 0;
    return call->has_large ? host->reply.data : NULL;
}

/* Has the host answer a call whose `count` arguments were taken. */
static inline void ask(clh_state *host, const clh_op *op, clh_fast_call *call, int count) {
    call->argument_count = count;
    call->result_count = 0;
    call->is_misuse = call->is_overflown = call->is_passed = call->has_large = 0;
    call->byte_count = 0;
    int could_leave = clh_stay(host);
    host->callbacks.fast(op->function, call);
    clh_may_leave(host, could_leave);
}

/* Takes the argument when it is an integer or a short text, as most are. */
static inline int take_common(lua_State *L, int index, clh_scalar *to, size_t longest) {
    if (LIKELY(lua_isinteger(L, index))) {
        to->type = CLH_INTEGER;
        to->integer = lua_tointegerx(L, index, NULL);
        return 1;
    }
    if (lua_type(L, index) != LUA_TSTRING) return 0;
    to->type = CLH_TEXT;
    to->text = (const uint8_t *)lua_tolstring(L, index, &to->length);
    return LIKELY(to->length <= longest);
}

static inline int answer(lua_State *L, const clh_op *op, const clh_fast_call *call) {
    if (!LIKELY(!call->is_misuse && !call->is_overflown)) return problem(L, op, call);
    if (call->result_count != 1) return push_all(L, op, call);
    const clh_scalar *result = call->results;
    if (LIKELY(result->type == CLH_INTEGER)) lua_pushinteger(L, result->integer);
    else if (result->type == CLH_TEXT) lua_pushlstring(L, (const char *)result->text, result->length);
    else if (!push(L, result, result + 1, 0)) return push_all(L, op, call);
    return 1;
}

int clh_call_fast(lua_State *L) {
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(1));
    clh_state *host = op->host;
    int before = 0, used = 0;
    host->host_calls++;
    if (op->receiver) {
        host->fast.self = clh_receiver(L, op);
        before = 1;
    }
    int count = lua_gettop(L) - before;
    if (!LIKELY(count <= CLH_FAST_VALUES)) return too_many(L);
    for (int argument = 0; argument < count; argument++) {
        clh_scalar *to = &host->fast_arguments[argument];
        int index = argument + 1 + before;
        if (!take_common(L, index, to, host->limits.value_max)) {
            used = take(L, op, argument, index, to, used);
        }
    }
    ask(host, op, &host->fast, count);
    return answer(L, op, &host->fast);
}

/* A table for an attempt, if it is neither large nor deep. Gives how many items are used. */
static __attribute__((noinline)) int take_whole(lua_State *L, clh_state *host, int index, clh_scalar *to,
                                                int used) {
    int top = lua_gettop(L), is_taken = 0;
    taking t = {.L = L, .host = host, .left = host->limits.value_max};
    t.depth_max = host->limits.depth_max - 1;
    if (t.depth_max > CLH_FAST_DEPTH) t.depth_max = CLH_FAST_DEPTH;
    if (t.depth_max >= 0 && has_items(host)) {
        t.next = host->fast_items + used;
        t.end = host->fast_items + CLH_FAST_ITEMS;
        is_taken = take_table(&t, index, to, 0);
        lua_settop(L, top);
    }
    if (is_taken) return (int)(t.next - host->fast_items);
    to->type = CLH_OTHER;
    return used;
}

/* Tries the fast way; arguments that it cannot take are for the other one to judge. */
int clh_attempt(lua_State *L) {
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(1));
    clh_state *host = op->host;
    int before = 0, used = 0;
    if (op->receiver) {
        host->fast.self = clh_receiver(L, op);
        before = 1;
    }
    int count = lua_gettop(L) - before;
    if (count <= CLH_FAST_VALUES) {
        for (int argument = 0; argument < count; argument++) {
            clh_scalar *to = &host->fast_arguments[argument];
            int index = argument + 1 + before;
            if (take_common(L, index, to, host->limits.value_max)) continue;
            int type = lua_type(L, index);
            if (type == LUA_TTABLE) used = take_whole(L, host, index, to, used);
            else if (type == LUA_TSTRING || !take_scalar(L, index, type, to)) to->type = CLH_OTHER;
        }
        ask(host, op, &host->fast, count);
        if (!host->fast.is_passed) {
            host->host_calls++;
            return answer(L, op, &host->fast);
        }
    }
    return clh_call_function(op->kind)(L);
}

int clh_attempt_field(lua_State *L, const clh_op *op, int key) {
    clh_state *host = op->host;
    take_scalar(L, key, LUA_TSTRING, host->fast_arguments);
    if (host->fast_arguments->length > host->limits.value_max) return 0;
    ask(host, op, &host->fast, 1);
    if (host->fast.is_passed) return 0;
    host->host_calls++;
    return answer(L, op, &host->fast);
}
