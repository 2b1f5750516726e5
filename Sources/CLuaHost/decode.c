/* MessagePack to Lua values. The bytes come from the host and are checked all the same. */
#include "host.h"

#define DEPTH_MAX 128

typedef struct decoder {
    lua_State *L;
    clh_state *host; /* NULL where no objects can be */
    const uint8_t *at, *end;
} decoder;

static void malformed(decoder *d) { luaL_error(d->L, "malformed value from the host"); }

static uint64_t big(decoder *d, int width) {
    if (d->end - d->at < width) malformed(d);
    uint64_t value = 0;
    for (int i = 0; i < width; i++) value = value << 8 | *d->at++;
    return value;
}

static void value(decoder *d, int depth);

static void string(decoder *d, uint64_t length) {
    if (length > (uint64_t)(d->end - d->at)) malformed(d);
    lua_pushlstring(d->L, (const char *)d->at, (size_t)length);
    d->at += length;
}

static void list(decoder *d, uint64_t count, int depth) {
    if (count > (uint64_t)(d->end - d->at) || depth >= DEPTH_MAX) malformed(d);
    luaL_checkstack(d->L, 4, "value nested too deeply");
    lua_createtable(d->L, (int)count, 0);
    for (uint64_t i = 1; i <= count; i++) {
        value(d, depth + 1);
        lua_rawseti(d->L, -2, (lua_Integer)i);
    }
}

static void map(decoder *d, uint64_t count, int depth) {
    if (count > (uint64_t)(d->end - d->at) / 2 || depth >= DEPTH_MAX) malformed(d);
    luaL_checkstack(d->L, 4, "value nested too deeply");
    lua_createtable(d->L, 0, (int)count);
    for (uint64_t i = 0; i < count; i++) {
        value(d, depth + 1);
        if (lua_type(d->L, -1) != LUA_TSTRING) malformed(d);
        value(d, depth + 1);
        lua_rawset(d->L, -3);
    }
}

static void number(decoder *d, uint8_t tag) {
    union { uint32_t i; float f; } narrow;
    union { uint64_t i; double f; } wide;
    switch (tag) {
    case 0xca: narrow.i = (uint32_t)big(d, 4); lua_pushnumber(d->L, (lua_Number)narrow.f); break;
    case 0xcb: wide.i = big(d, 8); lua_pushnumber(d->L, wide.f); break;
    case 0xcc: lua_pushinteger(d->L, (lua_Integer)big(d, 1)); break;
    case 0xcd: lua_pushinteger(d->L, (lua_Integer)big(d, 2)); break;
    case 0xce: lua_pushinteger(d->L, (lua_Integer)big(d, 4)); break;
    case 0xcf: lua_pushinteger(d->L, (lua_Integer)big(d, 8)); break;
    case 0xd0: lua_pushinteger(d->L, (int8_t)big(d, 1)); break;
    case 0xd1: lua_pushinteger(d->L, (int16_t)big(d, 2)); break;
    case 0xd2: lua_pushinteger(d->L, (int32_t)big(d, 4)); break;
    default: lua_pushinteger(d->L, (int64_t)big(d, 8)); break;
    }
}

/* An object with its fields; its length is that of everything. */
static void object(decoder *d, int depth) {
    uint64_t length = big(d, 4);
    if (!d->host || depth >= DEPTH_MAX || length > (uint64_t)(d->end - d->at)) malformed(d);
    const uint8_t *end = d->at + 1 + length;
    if (big(d, 1) != CLH_EXTENSION_OBJECT || length < 13 || end > d->end) malformed(d);
    uint32_t class_number = (uint32_t)big(d, 4);
    luaL_checkstack(d->L, 4, "value nested too deeply");
    clh_push_object(d->host, d->L, class_number, (int64_t)big(d, 8));
    value(d, depth + 1);
    if (d->at != end) malformed(d);
    if (lua_istable(d->L, -1)) lua_setiuservalue(d->L, -2, 1);
    else lua_pop(d->L, 1);
}

static void value(decoder *d, int depth) {
    uint8_t tag = (uint8_t)big(d, 1);
    if (tag < 0x80) lua_pushinteger(d->L, tag);
    else if (tag >= 0xe0) lua_pushinteger(d->L, (int8_t)tag);
    else if (tag < 0x90) map(d, tag & 0x0f, depth);
    else if (tag < 0xa0) list(d, tag & 0x0f, depth);
    else if (tag < 0xc0) string(d, tag & 0x1f);
    else switch (tag) {
        case 0xc0: lua_pushnil(d->L); break;
        case 0xc2: lua_pushboolean(d->L, 0); break;
        case 0xc3: lua_pushboolean(d->L, 1); break;
        case 0xc4: case 0xd9: string(d, big(d, 1)); break;
        case 0xc5: case 0xda: string(d, big(d, 2)); break;
        case 0xc6: case 0xdb: string(d, big(d, 4)); break;
        case 0xdc: list(d, big(d, 2), depth); break;
        case 0xdd: list(d, big(d, 4), depth); break;
        case 0xde: map(d, big(d, 2), depth); break;
        case 0xdf: map(d, big(d, 4), depth); break;
        case 0xca: case 0xcb: case 0xcc: case 0xcd: case 0xce: case 0xcf:
        case 0xd0: case 0xd1: case 0xd2: case 0xd3: number(d, tag); break;
        case 0xc9: object(d, depth); break;
        default: malformed(d);
        }
}

int clh_decode_list(lua_State *L, const uint8_t *bytes, size_t length) {
    decoder d = {L, clh_host(L), bytes, bytes + length};
    uint8_t tag = (uint8_t)big(&d, 1);
    if (tag >= 0xa0 || tag < 0x90) {
        if (tag == 0xdc) big(&d, 2);
        else if (tag == 0xdd) big(&d, 4);
        else malformed(&d);
    }
    int count = 0;
    while (d.at < d.end) {
        /* A C function has room for LUA_MINSTACK values. */
        if (count >= 8 && count % 8 == 0) luaL_checkstack(L, 12, "too many values from the host");
        count++;
        value(&d, 0);
    }
    return count;
}

void clh_decode_value(lua_State *L, const uint8_t *bytes, size_t length) {
    decoder d = {L, NULL, bytes, bytes + length};
    luaL_checkstack(L, 4, NULL);
    value(&d, 0);
}
