/* JSON to Lua values; see json.h.
 * RFC 8259, "The JavaScript Object Notation (JSON) Data Interchange Format". */
#include "json.h"

#include <math.h>
#include <stdlib.h>

#define KEPT 16 /* items, or twice as many names and values, that wait on the stack for their table */

typedef struct reader {
    clh_state *host;
    lua_State *L;
    const char *at, *end;
    int depth_max;
} reader;

/* Each reads what is next and pushes it; 0 when it cannot. */
static int value(reader *r, int depth);

static inline int is_digit(char c) { return c >= '0' && c <= '9'; }
static inline int ahead(const reader *r) { return r->at < r->end ? (unsigned char)*r->at : -1; }

static inline int next(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')) r->at++;
    return ahead(r);
}

/* ---- texts --------------------------------------------------------------------------------------------- */

static int hexadecimal(const char *digits, unsigned *code) {
    *code = 0;
    for (int place = 0; place < 4; place++) {
        unsigned char c = (unsigned char)digits[place], lower = c | 0x20;
        if (is_digit((char)c)) *code = *code << 4 | (c - '0');
        else if (lower >= 'a' && lower <= 'f') *code = *code << 4 | (lower - 'a' + 10);
        else return 0;
    }
    return 1;
}

/* What follows \u at r->at, in UTF-8; gives its length or 0. No surrogate stands alone. */
static int unicode(reader *r, uint8_t *to) {
    unsigned code, low;
    if (r->end - r->at < 4 || !hexadecimal(r->at, &code)) return 0;
    r->at += 4;
    if (code >= 0xd800 && code < 0xe000) {
        if (code >= 0xdc00 || r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u') return 0;
        if (!hexadecimal(r->at + 2, &low) || low < 0xdc00 || low >= 0xe000) return 0;
        r->at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code < 0x80) return to[0] = (uint8_t)code, 1;
    int rest = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t heads[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (uint8_t)(heads[rest] | code >> (6 * rest));
    for (int i = 1; i <= rest; i++) to[i] = (uint8_t)(0x80 | (code >> (6 * (rest - i)) & 0x3f));
    return rest + 1;
}

/* A text with escapes, of which the first is at r->at; it began at `from`. It gets no longer by reading. */
static int escaped(reader *r, const char *from) {
    clh_buffer *buffer = &r->host->reply;
    buffer->length = 0;
    int could_leave = clh_stay(r->host);
    int status = clh_buffer_reserve(buffer, (size_t)(r->end - from));
    clh_may_leave(r->host, could_leave);
    if (status != 0) return 0;
    size_t length = (size_t)(r->at - from);
    memcpy(buffer->data, from, length);
    uint8_t *to = buffer->data + length;
    for (;;) {
        int c = ahead(r);
        if (c < 0x20) return 0;
        r->at++;
        if (c == '"') break;
        if (c != '\\') {
            *to++ = (uint8_t)c;
            continue;
        }
        c = ahead(r);
        if (c >= 0) r->at++;
        switch (c) {
        case '"': case '\\': case '/': *to++ = (uint8_t)c; break;
        case 'b': *to++ = '\b'; break;
        case 'f': *to++ = '\f'; break;
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case 't': *to++ = '\t'; break;
        case 'u': {
            int count = unicode(r, to);
            if (!count) return 0;
            to += count;
            break;
        }
        default: return 0;
        }
    }
    length = (size_t)(to - buffer->data);
    if (!clh_is_text((const char *)buffer->data, length)) return 0;
    lua_pushlstring(r->L, (const char *)buffer->data, length);
    return 1;
}

/* From the opening quote. */
static int text(reader *r) {
    const char *from = ++r->at;
    unsigned char all = 0;
    while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (unsigned char)*r->at >= 0x20) {
        all |= (unsigned char)*r->at++;
    }
    if (ahead(r) == '\\') return escaped(r, from);
    size_t length = (size_t)(r->at - from);
    if (ahead(r) != '"' || (all >= 0x80 && !clh_is_text(from, length))) return 0;
    r->at++;
    lua_pushlstring(r->L, from, length);
    return 1;
}

/* The host compares names as Unicode does, which knows several ways to write some of them. */
static int name(reader *r) {
    size_t length;
    if (!text(r)) return 0;
    const char *bytes = lua_tolstring(r->L, -1, &length);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)bytes[i] >= 0x80) return 0;
    return 1;
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

/* A whole number of at most 18 digits, or one that the C library reads. */
static int number(reader *r) {
    const char *from = r->at;
    int is_negative = *from == '-', is_whole = 1;
    if (is_negative) r->at++;
    const char *digits = r->at;
    lua_Integer whole = 0;
    while (r->at < r->end && is_digit(*r->at)) {
        if (r->at - digits < 18) whole = whole * 10 + (*r->at - '0');
        r->at++;
    }
    ptrdiff_t count = r->at - digits;
    if (count == 0 || (*digits == '0' && count > 1)) return 0;
    if (ahead(r) == '.') {
        is_whole = 0;
        const char *point = r->at++;
        while (r->at < r->end && is_digit(*r->at)) r->at++;
        if (r->at == point + 1) return 0;
    }
    if (ahead(r) == 'e' || ahead(r) == 'E') {
        is_whole = 0;
        r->at++;
        if (ahead(r) == '+' || ahead(r) == '-') r->at++;
        const char *exponent = r->at;
        while (r->at < r->end && is_digit(*r->at)) r->at++;
        if (r->at == exponent) return 0;
    }
    if (is_whole && count <= 18) {
        lua_pushinteger(r->L, is_negative ? -whole : whole);
        return 1;
    }
    if (is_whole) return 0; /* near, or beyond, what an integer holds */
    /* Nothing of what follows is part of a number, and the text ends with a zero. */
    double read = strtod(from, NULL);
    if (!isfinite(read)) return 0;
    lua_pushnumber(r->L, read);
    return 1;
}

/* ---- tables -------------------------------------------------------------------------------------------- */

/* Stands for null in a table that is being made, so that a second field of that name is seen. */
static char absent;

/* Sets a field from a name and a value on top; 0 when there is one already. */
static inline int set_field(lua_State *L, int table) {
    lua_pushvalue(L, -2);
    int is_there = lua_rawget(L, table) != LUA_TNIL;
    lua_pop(L, 1);
    if (is_there) return 0;
    lua_rawset(L, table);
    return 1;
}

/* Makes the table of the `count` pairs, or items, on top. */
static int make_table(lua_State *L, int count, int is_list) {
    int values = is_list ? count : 2 * count, table = lua_gettop(L) - values + 1;
    lua_createtable(L, is_list ? count : 0, is_list ? 0 : count);
    lua_insert(L, table);
    for (int item = count; item > 0; item--) {
        if (is_list) lua_rawseti(L, table, item);
        else if (!set_field(L, table)) return 0;
    }
    return 1;
}

static void drop_absent(lua_State *L, int table) {
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (lua_touserdata(L, -1) == &absent) {
            lua_pushvalue(L, -2);
            lua_pushnil(L);
            lua_rawset(L, table);
        }
        lua_pop(L, 1);
    }
}

/* A name, a colon and a value. */
static int field(reader *r, int depth, int *has_absent) {
    if (next(r) != '"' || !name(r) || next(r) != ':') return 0;
    r->at++;
    if (!value(r, depth)) return 0;
    if (lua_isnil(r->L, -1)) {
        lua_pop(r->L, 1);
        lua_pushlightuserdata(r->L, &absent);
        *has_absent = 1;
    }
    return 1;
}

/* From the opening bracket. */
static int table(reader *r, int depth, int is_list) {
    lua_State *L = r->L;
    int waiting = 0, is_made = 0, has_absent = 0, place = lua_gettop(L) + 1;
    lua_Integer length = 0;
    if (depth >= r->depth_max) return 0;
    luaL_checkstack(L, 2 * KEPT + 8, NULL);
    clh_check_budget(r->host, L);
    r->at++;
    int close = is_list ? ']' : '}';
    if (next(r) == close) {
        r->at++;
        lua_createtable(L, 0, 0);
        return 1;
    }
    for (;;) {
        if (is_list ? !value(r, depth + 1) || lua_isnil(L, -1) : !field(r, depth + 1, &has_absent)) return 0;
        if (!is_made) {
            if (++waiting == KEPT) {
                if (!make_table(L, waiting, is_list)) return 0;
                is_made = 1;
                length = waiting;
            }
        } else if (is_list) {
            lua_rawseti(L, place, ++length);
        } else if (!set_field(L, place)) {
            return 0;
        }
        int after = next(r);
        r->at++;
        if (after == close) break;
        if (after != ',') return 0;
    }
    if (!is_made && !make_table(L, waiting, is_list)) return 0;
    if (has_absent) drop_absent(L, place);
    return 1;
}

static int word(reader *r, const char *word, size_t length) {
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0) return 0;
    r->at += length;
    return 1;
}

static int value(reader *r, int depth) {
    int c = next(r);
    switch (c) {
    case '{': return table(r, depth, 0);
    case '[': return table(r, depth, 1);
    case '"': return text(r);
    case 't': lua_pushboolean(r->L, 1); return word(r, "true", 4);
    case 'f': lua_pushboolean(r->L, 0); return word(r, "false", 5);
    case 'n': lua_pushnil(r->L); return word(r, "null", 4);
    default: return (c == '-' || (c >= '0' && c <= '9')) && number(r);
    }
}

int clh_read_json(lua_State *L) {
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(1));
    clh_state *host = op->host;
    int count = lua_gettop(L), is_read = 0;
    if (count == 1 && lua_type(L, 1) == LUA_TSTRING) {
        size_t length;
        const char *bytes = lua_tolstring(L, 1, &length);
        reader r = {host, L, bytes, bytes + length, clh_json_depth_max(host)};
        is_read = value(&r, 0) && next(&r) < 0;
    }
    return clh_json_answer(L, op, is_read, count);
}
