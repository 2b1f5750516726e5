/* The MessagePack codec between Lua and the host against msgpack-c: what is accepted, as which values, and
 * that what we write is what was read. Input: one MessagePack value. */
#include "../CLuaHostChecks/checks.h"

#include <msgpack.h>
#include <stdlib.h>

#define DEPTH_MAX 24 /* msgpack-c goes no deeper than 32 */

static clh_state *host;
static const uint8_t *the_bytes;
static size_t the_size;

static void differ(const char *what) {
    fprintf(stderr, "codec: %s\n", what);
    abort();
}

/* ---- comparison ---------------------------------------------------------------------------------------- */

static int is_text(const msgpack_object *object) {
    return object->type == MSGPACK_OBJECT_STR || object->type == MSGPACK_OBJECT_BIN;
}

/* What our decoder takes: no extensions, and texts as keys. */
static int is_ours(const msgpack_object *object, int depth) {
    if (depth > DEPTH_MAX) return 0;
    if (object->type == MSGPACK_OBJECT_EXT) return 0;
    if (object->type == MSGPACK_OBJECT_ARRAY) {
        for (uint32_t i = 0; i < object->via.array.size; i++)
            if (!is_ours(&object->via.array.ptr[i], depth + 1)) return 0;
    } else if (object->type == MSGPACK_OBJECT_MAP) {
        for (uint32_t i = 0; i < object->via.map.size; i++) {
            const msgpack_object_kv *pair = &object->via.map.ptr[i];
            if (!is_text(&pair->key) || !is_ours(&pair->val, depth + 1)) return 0;
        }
    }
    return 1;
}

static int is_same_text(const msgpack_object *a, const msgpack_object *b) {
    size_t length = a->via.str.size;
    return length == b->via.str.size && (length == 0 || memcmp(a->via.str.ptr, b->via.str.ptr, length) == 0);
}

static int is_equal(lua_State *L, int index, const msgpack_object *object);

static int is_equal_table(lua_State *L, int index, const msgpack_object *object) {
    int equal = 1;
    if (!lua_istable(L, index)) return 0;
    luaL_checkstack(L, 4, NULL);
    if (object->type == MSGPACK_OBJECT_ARRAY) {
        for (uint32_t i = 0; i < object->via.array.size && equal; i++) {
            lua_rawgeti(L, index, (lua_Integer)i + 1);
            equal = is_equal(L, lua_gettop(L), &object->via.array.ptr[i]);
            lua_pop(L, 1);
        }
        return equal;
    }
    const msgpack_object_map *map = &object->via.map;
    for (uint32_t i = 0; i < map->size && equal; i++) {
        uint32_t later = i + 1;
        while (later < map->size && !is_same_text(&map->ptr[i].key, &map->ptr[later].key)) later++;
        if (later < map->size) continue; /* the last of equal keys counts */
        lua_pushlstring(L, map->ptr[i].key.via.str.ptr, map->ptr[i].key.via.str.size);
        lua_rawget(L, index);
        equal = is_equal(L, lua_gettop(L), &map->ptr[i].val);
        lua_pop(L, 1);
    }
    return equal;
}

static int is_equal(lua_State *L, int index, const msgpack_object *object) {
    size_t length;
    const char *text;
    double number;
    switch (object->type) {
    case MSGPACK_OBJECT_NIL: return lua_isnil(L, index);
    case MSGPACK_OBJECT_BOOLEAN:
        return lua_isboolean(L, index) && lua_toboolean(L, index) == (object->via.boolean ? 1 : 0);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return lua_isinteger(L, index) && lua_tointeger(L, index) == (lua_Integer)object->via.u64;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        number = lua_tonumber(L, index);
        return lua_type(L, index) == LUA_TNUMBER && !lua_isinteger(L, index)
            && (number == object->via.f64 || (number != number && object->via.f64 != object->via.f64));
    case MSGPACK_OBJECT_STR:
    case MSGPACK_OBJECT_BIN:
        if (lua_type(L, index) != LUA_TSTRING) return 0;
        text = lua_tolstring(L, index, &length);
        return length == object->via.str.size
            && (length == 0 || memcmp(text, object->via.str.ptr, length) == 0);
    default: return is_equal_table(L, index, object);
    }
}

/* ---- one input ----------------------------------------------------------------------------------------- */

static int decode(lua_State *L) {
    clh_decode_value(L, the_bytes, the_size);
    return 1;
}

static int decode_list(lua_State *L) {
    return clh_decode_list(L, host->arguments.data, host->arguments.length);
}

static int encode(lua_State *L) {
    clh_encode(host, L, NULL, 1, lua_gettop(L));
    return 0;
}

/* Whether a length before which msgpack-c would reserve gigabytes is somewhere. */
static int is_vast(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i + 4 < size; i++) {
        if (bytes[i] != 0xdd && bytes[i] != 0xdf) continue;
        if (bytes[i + 1] || bytes[i + 2] || (size_t)(bytes[i + 3] << 8 | bytes[i + 4]) > size) return 1;
    }
    return 0;
}

/* The value at index 1, and what msgpack-c made of the same bytes. */
static void check_writing(lua_State *L) {
    lua_pushcfunction(L, encode);
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) { /* sparse, nested too deeply, not finite */
        lua_settop(L, 1);
        return;
    }
    msgpack_unpacked written;
    msgpack_unpacked_init(&written);
    size_t end = 0;
    const char *bytes = (const char *)host->arguments.data;
    int status = msgpack_unpack_next(&written, bytes, host->arguments.length, &end);
    if (status == MSGPACK_UNPACK_SUCCESS) {
        const msgpack_object *list = &written.data;
        if (end != host->arguments.length) differ("there is something behind what was written");
        if (list->type != MSGPACK_OBJECT_ARRAY || list->via.array.size != 1) differ("no list was written");
        if (!is_equal(L, 1, &list->via.array.ptr[0])) differ("another value was written");
    } else if (lua_rawlen(L, 1) == 0 && !lua_istable(L, 1)) {
        differ("what was written cannot be read");
    }
    lua_pushcfunction(L, decode_list);
    if (lua_pcall(L, 0, LUA_MULTRET, 0) != LUA_OK) differ("we cannot read what we wrote");
    if (lua_gettop(L) != 2) differ("we do not read one value where we wrote one");
    if (status == MSGPACK_UNPACK_SUCCESS && !is_equal(L, 2, &written.data.via.array.ptr[0])) {
        differ("we read another value than we wrote");
    }
    msgpack_unpacked_destroy(&written);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    host = open_state(NULL);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lua_State *L = host->main;
    if (size > 4096) return 0;
    the_bytes = data;
    the_size = size;
    lua_settop(L, 0);
    lua_pushcfunction(L, decode);
    int accepted = lua_pcall(L, 0, 1, 0) == LUA_OK;
    if (!is_vast(data, size)) {
        msgpack_unpacked read;
        msgpack_unpacked_init(&read);
        size_t end = 0;
        int status = msgpack_unpack_next(&read, (const char *)data, size, &end);
        int expected = status == MSGPACK_UNPACK_SUCCESS && is_ours(&read.data, 0);
        if (expected && !accepted) differ("refused, though it is well-formed");
        if (status == MSGPACK_UNPACK_CONTINUE && accepted) differ("accepted, though it is cut off");
        if (expected && !is_equal(L, 1, &read.data)) differ("read as another value");
        msgpack_unpacked_destroy(&read);
    }
    if (accepted) check_writing(L);
    lua_settop(L, 0);
    return 0;
}
