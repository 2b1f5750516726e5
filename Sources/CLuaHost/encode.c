/* Lua values to MessagePack, into the state's argument buffer: raw traversal, no metamethods, everything
 * bounded. */
#include "host.h"

#include <math.h>
#include <stdio.h>

/* The way from an argument to the value at hand, innermost first; keys are anchored on the Lua stack. */
typedef struct step {
    const struct step *up;
    const void *table;
    const char *key; /* NULL: the index */
    lua_Integer index;
    int depth;
} step;

typedef struct encoder {
    clh_state *host;
    lua_State *L;
    const clh_op *op;
    clh_buffer *out;
    int argument; /* counted from 0 */
} encoder;

static int append_step(char *text, int length, int capacity, const step *s) {
    if (!s) return length;
    length = append_step(text, length, capacity, s->up);
    if (length >= capacity - 80) return length;
    if (s->key) return length + snprintf(text + length, (size_t)(capacity - length), ".%.64s", s->key);
    return length + snprintf(text + length, (size_t)(capacity - length), "[%lld]", (long long)s->index);
}

/* The argument's name: the n-th word of the names, or "value"; results are "result". */
static int append_name(char *text, int capacity, const clh_op *op, int argument) {
    if (!op) return snprintf(text, (size_t)capacity, "result");
    const char *word = op->names;
    for (int skip = argument; skip > 0 && *word; word++)
        if (*word == ' ') skip--;
    int length = (int)strcspn(word, " ");
    if (length == 0) return snprintf(text, (size_t)capacity, "value");
    return snprintf(text, (size_t)capacity, "%.*s", length > 100 ? 100 : length, word);
}

static int refuse(encoder *e, const step *at, const char *why) {
    char text[640];
    int length = append_name(text, 128, e->op, e->argument);
    length = append_step(text, length, 512, at);
    snprintf(text + length, sizeof text - (size_t)length, ": %s", why);
    clh_forget_new_functions(e->host, e->L);
    return clh_raise(e->L, text, strlen(text));
}

int clh_refuse_argument(lua_State *L, const clh_op *op, int argument, const char *why) {
    encoder e = {.host = op->host, .L = L, .op = op, .argument = argument};
    return refuse(&e, NULL, why);
}

static void refuse_size(encoder *e) {
    char text[128];
    snprintf(text, sizeof text, "%s larger than %zu bytes cannot be %s", e->op ? "arguments" : "results",
             e->host->limits.value_max, e->op ? "passed" : "returned");
    clh_forget_new_functions(e->host, e->L);
    clh_raise(e->L, text, strlen(text));
}

static __attribute__((noinline)) void grow(encoder *e, size_t more) {
    clh_state *host = e->host;
    if (more > host->limits.value_max || e->out->length + more > host->limits.value_max) refuse_size(e);
    int could_leave = clh_stay(host), status = clh_buffer_reserve(e->out, more);
    clh_may_leave(host, could_leave);
    if (status != 0) luaL_error(e->L, "not enough memory");
}

/* The limit is looked at when the buffer grows and at the end. */
static inline void need(encoder *e, size_t more) {
    if (more > e->out->capacity - e->out->length) grow(e, more);
}

static inline void put_big(encoder *e, uint8_t tag, uint64_t number, int width) {
    need(e, (size_t)width + 1);
    uint8_t *to = e->out->data + e->out->length;
    *to++ = tag;
    for (int place = width - 1; place >= 0; place--) *to++ = (uint8_t)(number >> (8 * place));
    e->out->length += (size_t)width + 1;
}

static inline void put_byte(encoder *e, uint8_t byte) {
    need(e, 1);
    e->out->data[e->out->length++] = byte;
}

static inline void put_integer(encoder *e, lua_Integer value) {
    if (value >= 0) {
        if (value < 0x80) put_byte(e, (uint8_t)value);
        else if (value <= 0xff) put_big(e, 0xcc, (uint64_t)value, 1);
        else if (value <= 0xffff) put_big(e, 0xcd, (uint64_t)value, 2);
        else if (value <= 0xffffffffLL) put_big(e, 0xce, (uint64_t)value, 4);
        else put_big(e, 0xcf, (uint64_t)value, 8);
    } else {
        if (value >= -32) put_byte(e, (uint8_t)value);
        else if (value >= -0x80) put_big(e, 0xd0, (uint64_t)value, 1);
        else if (value >= -0x8000) put_big(e, 0xd1, (uint64_t)value, 2);
        else if (value >= -0x80000000LL) put_big(e, 0xd2, (uint64_t)value, 4);
        else put_big(e, 0xd3, (uint64_t)value, 8);
    }
}

static void put_string(encoder *e, const char *text, size_t length) {
    if (length < 32) put_byte(e, (uint8_t)(0xa0 | length));
    else if (length <= 0xff) put_big(e, 0xd9, length, 1);
    else if (length <= 0xffff) put_big(e, 0xda, length, 2);
    else put_big(e, 0xdb, length, 4);
    need(e, length);
    memcpy(e->out->data + e->out->length, text, length);
    e->out->length += length;
}

static void put_head(encoder *e, uint8_t fix, uint8_t wide, size_t count) {
    if (count < 16) put_byte(e, (uint8_t)(fix | count));
    else if (count <= 0xffff) put_big(e, wide, count, 2);
    else put_big(e, (uint8_t)(wide + 1), count, 4);
}

int clh_is_text(const char *text, size_t length) {
    const unsigned char *p = (const unsigned char *)text, *end = p + length;
    while (p < end) {
        unsigned c = *p++, rest = 0, least = 0;
        if (c < 0x80) continue;
        if (c >= 0xc2 && c < 0xe0) rest = 1, least = 0x80, c &= 0x1f;
        else if (c >= 0xe0 && c < 0xf0) rest = 2, least = 0x800, c &= 0x0f;
        else if (c >= 0xf0 && c < 0xf5) rest = 3, least = 0x10000, c &= 0x07;
        else return 0;
        if (rest > (size_t)(end - p)) return 0;
        for (; rest; rest--, p++) {
            if ((*p & 0xc0) != 0x80) return 0;
            c = c << 6 | (*p & 0x3f);
        }
        if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return 0;
    }
    return 1;
}

static void put_function(encoder *e, const step *at) {
    clh_state *host = e->host;
    lua_State *L = e->L;
    if (!e->op || !(e->op->options & CLH_TAKES_FUNCTIONS)) refuse(e, at, "a function cannot be stored");
    if (host->new_function_count == CLH_NEW_FUNCTIONS) refuse(e, at, "too many functions in one call");
    luaL_checkstack(L, 3, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_functions_key);
    lua_pushvalue(L, -2);
    int id = luaL_ref(L, -2);
    lua_pop(L, 1);
    host->new_functions[host->new_function_count++] = id;
    put_big(e, 0xd7, CLH_EXTENSION_FUNCTION, 1);
    need(e, 8);
    uint8_t *to = e->out->data + e->out->length;
    for (int place = 0; place < 4; place++) {
        to[place] = (uint8_t)((uint32_t)id >> (24 - 8 * place));
        to[4 + place] = (uint8_t)(host->generation >> (24 - 8 * place));
    }
    e->out->length += 8;
}

static void put_value(encoder *e, const step *at);

static const char mixed[] = "a table of both list items and named fields cannot be stored";

/* Checks that the table on top has exactly the keys 1 to `length`. */
static void require_list(encoder *e, const step *at, size_t length) {
    lua_State *L = e->L;
    size_t count = 0;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING) refuse(e, at, mixed);
        if (!lua_isinteger(L, -1)) {
            refuse(e, at, "a table whose keys are neither all strings nor 1 to n cannot be stored");
        }
        lua_Integer index = lua_tointeger(L, -1);
        if (index < 1 || (lua_Unsigned)index > length) refuse(e, at, "a sparse list cannot be stored");
        count++;
    }
    if (count != length) refuse(e, at, "a sparse list cannot be stored");
}

static void put_list(encoder *e, const step *at, step *here, size_t length) {
    lua_State *L = e->L;
    require_list(e, at, length);
    put_head(e, 0x90, 0xdc, length);
    for (size_t index = 1; index <= length; index++) {
        here->index = (lua_Integer)index;
        lua_rawgeti(L, -1, (lua_Integer)index);
        put_value(e, here);
        lua_pop(L, 1);
    }
}

/* In one pass: the count of fields is put in afterwards. */
static void put_map(encoder *e, const step *at, step *here) {
    lua_State *L = e->L;
    size_t head = e->out->length, count = 0, length;
    put_byte(e, 0x80);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            refuse(e, at, count ? mixed : lua_isinteger(L, -2) ? "a sparse list cannot be stored"
                : "a table whose keys are neither all strings nor 1 to n cannot be stored");
        }
        here->key = lua_tolstring(L, -2, &length);
        if (!clh_is_text(here->key, length)) {
            refuse(e, at, "a table with a key that is not UTF-8 cannot be stored");
        }
        put_string(e, here->key, length);
        put_value(e, here);
        lua_pop(L, 1);
        count++;
    }
    if (count < 16) {
        e->out->data[head] = (uint8_t)(0x80 | count);
        return;
    }
    need(e, 4);
    uint8_t *to = e->out->data + head;
    memmove(to + 5, to + 1, e->out->length - head - 1);
    to[0] = 0xdf;
    for (int place = 0; place < 4; place++) to[1 + place] = (uint8_t)(count >> (24 - 8 * place));
    e->out->length += 4;
}

static void put_table(encoder *e, const step *at) {
    lua_State *L = e->L;
    const void *table = lua_topointer(L, -1);
    int depth = at ? at->depth + 1 : 1;
    for (const step *s = at; s; s = s->up)
        if (s->table == table) refuse(e, at, "a table that contains itself cannot be stored");
    if (depth > e->host->limits.depth_max) refuse(e, at, "a value nested this deeply cannot be stored");
    luaL_checkstack(L, 8, "value nested too deeply");
    clh_check_budget(e->host, L); /* an emptied table costs much and gives a byte */
    if (lua_getmetatable(L, -1)) refuse(e, at, "a table with a metatable cannot be stored");
    step here = {.up = at, .table = table, .depth = depth};
    size_t length = (size_t)lua_rawlen(L, -1);
    if (length > 0) put_list(e, at, &here, length);
    else put_map(e, at, &here);
}

/* Encodes the value on top of the stack and leaves it there. */
static void put_value(encoder *e, const step *at) {
    lua_State *L = e->L;
    size_t length;
    switch (lua_type(L, -1)) {
    case LUA_TNIL: put_byte(e, 0xc0); break;
    case LUA_TBOOLEAN: put_byte(e, lua_toboolean(L, -1) ? 0xc3 : 0xc2); break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, -1)) {
            put_integer(e, lua_tointeger(L, -1));
        } else {
            double number = lua_tonumber(L, -1);
            uint64_t bits;
            if (!isfinite(number)) refuse(e, at, "a number that is not finite cannot be stored");
            memcpy(&bits, &number, 8);
            put_big(e, 0xcb, bits, 8);
        }
        break;
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, -1, &length);
        put_string(e, text, length);
        break;
    }
    case LUA_TTABLE: put_table(e, at); break;
    case LUA_TFUNCTION: put_function(e, at); break;
    case LUA_TTHREAD: refuse(e, at, "a coroutine cannot be stored"); break;
    default: refuse(e, at, "an object of the host cannot be stored"); break;
    }
}

/* Encodes `count` values from stack index `first` as one list; needs one free place on the stack. With no
 * op they are a run's results. */
void clh_encode(clh_state *host, lua_State *L, const clh_op *op, int first, int count) {
    encoder e = {.host = host, .L = L, .op = op, .out = &host->arguments};
    host->arguments.length = 0;
    host->new_function_count = 0;
    if (count > 250) luaL_error(L, "too many values (250 at most)");
    put_head(&e, 0x90, 0xdc, (size_t)count);
    for (e.argument = 0; e.argument < count; e.argument++) {
        int index = first + e.argument;
        if (lua_isinteger(L, index)) { /* the common case, without moving values */
            put_integer(&e, lua_tointeger(L, index));
            continue;
        }
        lua_pushvalue(L, index);
        put_value(&e, NULL);
        lua_pop(L, 1);
    }
    if (e.out->length > host->limits.value_max) refuse_size(&e);
}

/* Takes back the functions of the call in progress, which failed. Allocates nothing. */
void clh_forget_new_functions(clh_state *host, lua_State *L) {
    if (host->new_function_count == 0) return;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_functions_key);
    while (host->new_function_count > 0) luaL_unref(L, -1, host->new_functions[--host->new_function_count]);
    lua_pop(L, 1);
}
