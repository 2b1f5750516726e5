/* string.format of our own: no addresses, and texts of objects as `tostring` gives them. */
#include "../host.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#define DIRECTIVE_MAX 22 /* characters between '%' and its end, as in stock Lua */
#define ITEM_MAX 120     /* a number or cut text as formatted, but for %f */
#define FLOAT_MAX (110 + 308)

typedef struct directive {
    char text[DIRECTIVE_MAX + 12]; /* as for printf: '%' to the letter, with room for a length */
    size_t length;
    char letter;
} directive;

/* Takes the directive behind a '%'. Gives the place behind its letter. */
static const char *take_directive(lua_State *L, const char *at, directive *d) {
    size_t length = strspn(at, "-+ #0.123456789") + 1; /* with the letter */
    if (length >= DIRECTIVE_MAX) luaL_error(L, "invalid format (too long)");
    d->text[0] = '%';
    memcpy(d->text + 1, at, length);
    d->length = length + 1;
    d->text[d->length] = 0;
    d->letter = at[length - 1];
    return at + length;
}

static const char *skip_two_digits(const char *at) {
    if (isdigit((unsigned char)*at)) at++;
    if (isdigit((unsigned char)*at)) at++;
    return at;
}

static int refuse(lua_State *L, const directive *d) {
    return luaL_error(L, "invalid conversion '%s' to 'format'", d->text);
}

/* Only these flags, a width and, where it means something, a precision of two digits at most. */
static void check(lua_State *L, const directive *d, const char *flags, int takes_precision) {
    const char *at = d->text + 1;
    at += strspn(at, flags);
    if (*at != '0') {
        at = skip_two_digits(at);
        if (*at == '.' && takes_precision) at = skip_two_digits(at + 1);
    }
    if (!isalpha((unsigned char)*at)) luaL_error(L, "invalid conversion specification: '%s'", d->text);
}

static void add_integer(lua_State *L, luaL_Buffer *out, int argument, directive *d) {
    long long value = luaL_checkinteger(L, argument);
    const char *flags = d->letter == 'd' || d->letter == 'i' ? "-+0 " : d->letter == 'u' ? "-0" : "-#0";
    check(L, d, flags, 1);
    memcpy(d->text + d->length - 1, "ll", 2);
    d->text[d->length + 1] = d->letter;
    d->text[d->length + 2] = 0;
    char *to = luaL_prepbuffsize(out, ITEM_MAX);
    luaL_addsize(out, (size_t)snprintf(to, ITEM_MAX, d->text, value));
}

static void add_float(lua_State *L, luaL_Buffer *out, int argument, const directive *d) {
    int is_hexadecimal = d->letter == 'a' || d->letter == 'A';
    size_t room = d->letter == 'f' ? FLOAT_MAX : ITEM_MAX;
    if (is_hexadecimal) check(L, d, "-+ #0", 1);
    double value = luaL_checknumber(L, argument);
    if (!is_hexadecimal) check(L, d, "-+ #0", 1);
    char *to = luaL_prepbuffsize(out, room);
    luaL_addsize(out, (size_t)snprintf(to, room, d->text, value));
}

static void add_text(lua_State *L, luaL_Buffer *out, int argument, const directive *d) {
    size_t length;
    clh_push_text(L, argument);
    const char *text = lua_tolstring(L, -1, &length);
    if (d->length == 2) { /* "%s" */
        luaL_addvalue(out);
        return;
    }
    luaL_argcheck(L, length == strlen(text), argument, "string contains zeros");
    check(L, d, "-", 1);
    if (!strchr(d->text, '.') && length >= 100) { /* no width can matter */
        luaL_addvalue(out);
        return;
    }
    char item[ITEM_MAX];
    int count = snprintf(item, sizeof item, d->text, text);
    lua_pop(L, 1);
    luaL_addlstring(out, item, (size_t)count);
}

/* %p: what tells objects apart, and no address. */
static void add_identity(lua_State *L, luaL_Buffer *out, int argument, directive *d) {
    char identity[CLH_IDENTITY_MAX], *to;
    const void *object = lua_topointer(L, argument);
    check(L, d, "-", 0);
    if (object) clh_write_identity(clh_host(L), object, identity);
    else memcpy(identity, "(null)", 7);
    d->text[d->length - 1] = 's';
    to = luaL_prepbuffsize(out, ITEM_MAX);
    luaL_addsize(out, (size_t)snprintf(to, ITEM_MAX, d->text, identity));
}

/* ---- %q ------------------------------------------------------------------------------------------------ */

static void add_quoted(luaL_Buffer *out, const char *text, size_t length) {
    luaL_addchar(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\' || c == '\n') {
            luaL_addchar(out, '\\');
            luaL_addchar(out, (char)c);
        } else if (iscntrl(c)) {
            char code[8];
            int is_followed = i + 1 < length && isdigit((unsigned char)text[i + 1]);
            snprintf(code, sizeof code, is_followed ? "\\%03d" : "\\%d", c);
            luaL_addstring(out, code);
        } else {
            luaL_addchar(out, (char)c);
        }
    }
    luaL_addchar(out, '"');
}

static void add_quoted_number(lua_State *L, luaL_Buffer *out, int argument) {
    char *to = luaL_prepbuffsize(out, ITEM_MAX);
    if (lua_isinteger(L, argument)) {
        long long value = lua_tointeger(L, argument);
        const char *form = value == LLONG_MIN ? "0x%llx" : "%lld";
        luaL_addsize(out, (size_t)snprintf(to, ITEM_MAX, form, value));
        return;
    }
    double value = lua_tonumber(L, argument);
    if (isfinite(value)) luaL_addsize(out, (size_t)snprintf(to, ITEM_MAX, "%a", value));
    else luaL_addstring(out, isnan(value) ? "(0/0)" : value > 0 ? "1e9999" : "-1e9999");
}

static void add_literal(lua_State *L, luaL_Buffer *out, int argument, const directive *d) {
    size_t length;
    if (d->length != 2) luaL_error(L, "specifier '%%q' cannot have modifiers");
    switch (lua_type(L, argument)) {
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, argument, &length);
        add_quoted(out, text, length);
        break;
    }
    case LUA_TNUMBER: add_quoted_number(L, out, argument); break;
    case LUA_TNIL: luaL_addstring(out, "nil"); break;
    case LUA_TBOOLEAN: luaL_addstring(out, lua_toboolean(L, argument) ? "true" : "false"); break;
    default: luaL_argerror(L, argument, "value has no literal form");
    }
}

/* ---- the format ---------------------------------------------------------------------------------------- */

static void add_item(lua_State *L, luaL_Buffer *out, int argument, directive *d) {
    switch (d->letter) {
    case 'c': {
        check(L, d, "-", 0);
        int value = (int)luaL_checkinteger(L, argument);
        char *to = luaL_prepbuffsize(out, ITEM_MAX);
        luaL_addsize(out, (size_t)snprintf(to, ITEM_MAX, d->text, value));
        break;
    }
    case 'd': case 'i': case 'u': case 'o': case 'x': case 'X': add_integer(L, out, argument, d); break;
    case 'a': case 'A': case 'e': case 'E': case 'f': case 'g': case 'G':
        add_float(L, out, argument, d);
        break;
    case 'q': add_literal(L, out, argument, d); break;
    case 's': add_text(L, out, argument, d); break;
    case 'p': add_identity(L, out, argument, d); break;
    default: refuse(L, d);
    }
}

int clh_format(lua_State *L) {
    size_t length;
    int top = lua_gettop(L), argument = 1;
    const char *at = luaL_checklstring(L, 1, &length), *end = at + length;
    luaL_Buffer out;
    clh_make_room(L);
    luaL_buffinit(L, &out);
    while (at < end) {
        if (*at != '%') {
            const char *sign = memchr(at, '%', (size_t)(end - at)), *until = sign ? sign : end;
            luaL_addlstring(&out, at, (size_t)(until - at));
            at = until;
        } else if (at[1] == '%') {
            luaL_addchar(&out, '%');
            at += 2;
        } else {
            directive d;
            clh_check_budget(clh_host(L), L); /* one may look at a megabyte and add nothing */
            if (++argument > top) return luaL_argerror(L, argument, "no value");
            at = take_directive(L, at + 1, &d);
            add_item(L, &out, argument, &d);
        }
    }
    luaL_pushresult(&out);
    return 1;
}
