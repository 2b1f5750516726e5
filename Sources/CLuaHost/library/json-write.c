/* Lua values to JSON; see json.h. Names are sorted by their bytes. */
#include "json.h"

#include <math.h>

#define KEPT 24 /* fields whose values wait on the stack while their names are sorted */

typedef struct writer {
    clh_state *host;
    lua_State *L;
    clh_buffer *out;
    int depth_max;
} writer;

typedef struct field {
    const char *name;
    size_t length;
    int place; /* of the value on the stack, or 0 */
} field;

/* Each writes the value at an index; 0 when it cannot. */
static int put_value(writer *w, int index, int depth);

static __attribute__((noinline)) int grow(writer *w, size_t more) {
    size_t longest = w->host->limits.block_max; /* of a string */
    if (w->out->length > longest || more > longest) return 0;
    int could_leave = clh_stay(w->host), status = clh_buffer_reserve(w->out, more);
    clh_may_leave(w->host, could_leave);
    return status == 0;
}

static inline int need(writer *w, size_t more) {
    return more <= w->out->capacity - w->out->length || grow(w, more);
}

static inline int put(writer *w, const char *bytes, size_t length) {
    if (!need(w, length)) return 0;
    memcpy(w->out->data + w->out->length, bytes, length);
    w->out->length += length;
    return 1;
}

static inline int put_byte(writer *w, char byte) {
    if (!need(w, 1)) return 0;
    w->out->data[w->out->length++] = (uint8_t)byte;
    return 1;
}

/* ---- values without parts ------------------------------------------------------------------------------ */

static int put_integer(writer *w, lua_Integer value) {
    char digits[24], *to = digits + sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--to = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0) *--to = '-';
    return put(w, to, (size_t)(digits + sizeof digits - to));
}

static int put_float(writer *w, double value) {
    if (!isfinite(value)) return 0;
    if (fabs(value) < 1e15 && value == floor(value)) {
        if (value == 0 && signbit(value)) return put(w, "-0.0", 4);
        return put_integer(w, (lua_Integer)value) && put(w, ".0", 2);
    }
    if (!need(w, 32)) return 0;
    int could_leave = clh_stay(w->host);
    size_t length = w->host->callbacks.write_number(value, w->out->data + w->out->length);
    clh_may_leave(w->host, could_leave);
    w->out->length += length;
    return length > 0;
}

static int put_escape(writer *w, unsigned char c) {
    static const char digits[] = "0123456789abcdef";
    const char *from = "\"\\\b\t\n\f\r", *to = "\"\\btnfr", *found = c ? strchr(from, c) : NULL;
    char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    if (!found) return put(w, text, 6);
    text[1] = to[found - from];
    return put(w, text, 2);
}

static int put_text(writer *w, const char *text, size_t length) {
    const char *from = text, *at = text, *end = text + length;
    unsigned char all = 0;
    if (!put_byte(w, '"')) return 0;
    for (; at < end; at++) {
        unsigned char c = (unsigned char)*at;
        all |= c;
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        if (!put(w, from, (size_t)(at - from)) || !put_escape(w, c)) return 0;
        from = at + 1;
    }
    if (all >= 0x80 && !clh_is_text(text, length)) return 0;
    return put(w, from, (size_t)(end - from)) && put_byte(w, '"');
}

/* ---- tables -------------------------------------------------------------------------------------------- */

static inline int is_before(const field *a, const field *b) {
    int order = memcmp(a->name, b->name, a->length < b->length ? a->length : b->length);
    return order ? order < 0 : a->length < b->length;
}

static void sink(field *fields, size_t place, size_t count) {
    field moved = fields[place];
    for (size_t below; (below = 2 * place + 1) < count; place = below) {
        if (below + 1 < count && is_before(&fields[below], &fields[below + 1])) below++;
        if (!is_before(&moved, &fields[below])) break;
        fields[place] = fields[below];
    }
    fields[place] = moved;
}

static void sort(field *fields, size_t count) {
    if (count > KEPT) { /* in n log n steps for any input */
        for (size_t place = count / 2; place > 0; place--) sink(fields, place - 1, count);
        for (size_t last = count - 1; last > 0; last--) {
            field greatest = fields[0];
            fields[0] = fields[last];
            fields[last] = greatest;
            sink(fields, 0, last);
        }
        return;
    }
    for (size_t next = 1; next < count; next++) {
        field moved = fields[next];
        size_t place = next;
        for (; place > 0 && is_before(&moved, &fields[place - 1]); place--) fields[place] = fields[place - 1];
        fields[place] = moved;
    }
}

/* The host compares names as Unicode does, which has an order of its own. */
static int take_name(writer *w, field *to) {
    if (lua_type(w->L, -2) != LUA_TSTRING) return 0;
    to->name = lua_tolstring(w->L, -2, &to->length);
    to->place = 0;
    for (size_t i = 0; i < to->length; i++)
        if ((unsigned char)to->name[i] >= 0x80) return 0;
    return 1;
}

static int put_field(writer *w, int table, field it, int is_first, int depth) {
    if (!is_first && !put_byte(w, ',')) return 0;
    if (!put_text(w, it.name, it.length) || !put_byte(w, ':')) return 0;
    if (it.place) return put_value(w, it.place, depth);
    lua_pushlstring(w->L, it.name, it.length);
    lua_rawget(w->L, table);
    if (!put_value(w, lua_gettop(w->L), depth)) return 0;
    lua_pop(w->L, 1);
    return 1;
}

/* A table of many fields: their names are kept outside, and their values read again. */
static int put_large_map(writer *w, int table, int depth) {
    lua_State *L = w->L;
    clh_buffer *names = &w->host->names;
    size_t base = names->length, count = 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        field it;
        if (!take_name(w, &it)) return 0;
        int could_leave = clh_stay(w->host), status = clh_buffer_reserve(names, sizeof it);
        clh_may_leave(w->host, could_leave);
        if (status != 0) return 0;
        memcpy(names->data + names->length, &it, sizeof it);
        names->length += sizeof it;
        count++;
        lua_pop(L, 1);
    }
    sort((field *)(names->data + base), count); /* `base` is a multiple of the size of a field */
    for (size_t i = 0; i < count; i++) {
        field it; /* the buffer moves when a table within needs it */
        memcpy(&it, names->data + base + i * sizeof it, sizeof it);
        if (!put_field(w, table, it, i == 0, depth)) return 0;
    }
    names->length = base;
    return 1;
}

static int put_map(writer *w, int table, int depth) {
    lua_State *L = w->L;
    field fields[KEPT];
    size_t count = 0;
    int top = lua_gettop(L);
    if (!put_byte(w, '{')) return 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (count == KEPT) {
            lua_settop(L, top);
            return put_large_map(w, table, depth) && put_byte(w, '}');
        }
        field *it = &fields[count++];
        if (!take_name(w, it)) return 0;
        it->place = lua_gettop(L);
        lua_pushvalue(L, -2);
    }
    sort(fields, count);
    for (size_t i = 0; i < count; i++)
        if (!put_field(w, table, fields[i], i == 0, depth)) return 0;
    lua_settop(L, top);
    return put_byte(w, '}');
}

/* A list whose items come in order, as they do unless it was made from its end. */
static int put_list(writer *w, int table, lua_Integer length, int depth) {
    lua_State *L = w->L;
    lua_Integer count = 0;
    if (!put_byte(w, '[')) return 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) != ++count) return 0;
        if (count > 1 && !put_byte(w, ',')) return 0;
        if (!put_value(w, lua_gettop(L), depth)) return 0;
        lua_pop(L, 1);
    }
    return count == length && put_byte(w, ']');
}

static int put_table(writer *w, int index, int depth) {
    lua_State *L = w->L;
    if (depth >= w->depth_max) return 0;
    luaL_checkstack(L, 2 * KEPT + 8, NULL);
    clh_check_budget(w->host, L); /* an emptied table costs much and gives two bytes */
    if (lua_getmetatable(L, index)) return 0;
    lua_Unsigned length = lua_rawlen(L, index);
    return length ? put_list(w, index, (lua_Integer)length, depth + 1) : put_map(w, index, depth + 1);
}

static int put_value(writer *w, int index, int depth) {
    size_t length;
    const char *text;
    switch (lua_type(w->L, index)) {
    case LUA_TNIL: return put(w, "null", 4);
    case LUA_TBOOLEAN: return lua_toboolean(w->L, index) ? put(w, "true", 4) : put(w, "false", 5);
    case LUA_TNUMBER:
        if (lua_isinteger(w->L, index)) return put_integer(w, lua_tointegerx(w->L, index, NULL));
        return put_float(w, lua_tonumberx(w->L, index, NULL));
    case LUA_TSTRING:
        text = lua_tolstring(w->L, index, &length);
        return put_text(w, text, length);
    case LUA_TTABLE: return put_table(w, index, depth);
    default: return 0;
    }
}

int clh_write_json(lua_State *L) {
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(1));
    clh_state *host = op->host;
    int count = lua_gettop(L), is_written = 0;
    if (count == 1 || (count == 2 && lua_isnil(L, 2))) {
        writer w = {host, L, &host->reply, clh_json_depth_max(host)};
        w.out->length = host->names.length = 0;
        is_written = put_value(&w, 1, 0) && w.out->length < host->limits.block_max;
        if (is_written) lua_pushlstring(L, (const char *)w.out->data, w.out->length);
    }
    return clh_json_answer(L, op, is_written, count);
}
