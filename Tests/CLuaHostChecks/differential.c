/* Our library functions against stock Lua's, in the same process, on generated calls: same results, same
 * error messages. Usage: differential [cases [seed]] */
#include "checks.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 400
#define ARGUMENTS_MAX 8
#define OUTPUT_MAX (1 << 20)

/* ---- random numbers ------------------------------------------------------------------------------------ */

static uint64_t random_state;

static uint64_t next_random(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 2685821657736338717u;
}

static int below(int limit) { return (int)((next_random() >> 33) % (uint64_t)limit); }
static int chance(int percent) { return below(100) < percent; }

/* ---- values -------------------------------------------------------------------------------------------- */

typedef enum { NIL, TRUE, FALSE, INTEGER, FLOAT, TEXT, LIST, FUNCTION } kind;

typedef struct value {
    kind kind;
    long long integer;
    double number;
    char text[TEXT_MAX];
    size_t length;
    struct value *items; /* LIST: `integer` of them */
} value;

typedef struct call {
    const char *library, *name;
    int count;
    value arguments[ARGUMENTS_MAX];
    value items[24];
    int compares_messages;
} call;

static call the_call;

static value *argument(void) {
    value *made = &the_call.arguments[the_call.count++];
    made->kind = NIL;
    made->length = 0;
    return made;
}

static void set_integer(value *to, long long integer) {
    to->kind = INTEGER;
    to->integer = integer;
}

static void set_text(value *to, const char *text) {
    to->kind = TEXT;
    to->length = strlen(text);
    memcpy(to->text, text, to->length);
}

static void append(value *to, const char *text, size_t length) {
    if (to->length + length > TEXT_MAX) return;
    memcpy(to->text + to->length, text, length);
    to->length += length;
}

/* ---- generated texts and patterns ---------------------------------------------------------------------- */

static void make_subject(value *to, int most) {
    static const char letters[] = "aaaabbbcc01 2.()[]xyAZ_%-^$\n\t\0\xc3\xa9\xff";
    to->kind = TEXT;
    to->length = 0;
    int length = below(most + 1), is_narrow = chance(50);
    for (int i = 0; i < length; i++) append(to, letters + below(is_narrow ? 9 : (int)sizeof letters - 1), 1);
}

static const char *const items[] = {
    "a", "a", "b", "c", "ab", "0", ".", ".", ".", "%a", "%d", "%s", "%w", "%A", "%D", "%S", "%W", "%p", "%c",
    "%l", "%u", "%x", "%g", "%z", "%Z", "%.", "%%", "%(", "%-", "[ab]", "[^a]", "[a-c]", "[%a]", "[%w_]",
    "[^%s]", "[]]", "[^]]", "[a-]", "[-a]", "[%]]", "[a-%%]", "[^^]", "[0-9]", "[\xc3-\xff]", "[a]", "()",
    "%1", "%2", "%b()", "%bab", "%b[]", "%baa", "%f[%w]", "%f[^a]", "%f[%z]", "%f[a]", "x", "^", "$", "-", " ",
    "]"};
static const char *const broken[] = {
    "%", "[", "[^", "[a", "[%", "[a-", "%b", "%bx", "%f", "%fa", ")", "(", "%0", "%9", "(%1)", "[]", "[^]",
    "%f[", "(()", "%3", "[%a-z]", "[a-%z]", "[%a-]", "%b%", "(((", "*", "+", "?", "-*"};
static const char *const suffixes[] = {"*", "+", "-", "?"};
#define PICK(list) list[below((int)(sizeof list / sizeof *list))]

static void make_pattern(value *to) {
    to->kind = TEXT;
    to->length = 0;
    int count = below(7) + (chance(90) ? 1 : 0), open = 0;
    if (chance(15)) append(to, "^", 1);
    for (int i = 0; i < count; i++) {
        if (chance(2)) {
            const char *item = PICK(broken);
            append(to, item, strlen(item));
            continue;
        }
        if (chance(2)) append(to, "\0", 1);
        if (chance(20)) {
            append(to, "(", 1);
            open++;
        }
        const char *item = PICK(items);
        append(to, item, strlen(item));
        if (chance(40)) append(to, PICK(suffixes), 1);
        if (open > 0 && chance(50)) {
            append(to, ")", 1);
            open--;
        }
    }
    for (; open > 0 && chance(97); open--) append(to, ")", 1);
    if (chance(12)) append(to, "$", 1);
}

static void make_position(value *to) {
    if (chance(10)) to->kind = NIL;
    else if (chance(3)) set_text(to, chance(50) ? "2" : "x");
    else if (chance(3)) set_integer(to, chance(50) ? LLONG_MAX : LLONG_MIN);
    else set_integer(to, below(40) - 15);
}

static void make_template(value *to) {
    static const char *const parts[] = {"x", "%0", "%1", "%1", "%2", "%%", "<", ">", "",
                                        "%", "%a", "%9", "abc"};
    to->kind = TEXT;
    to->length = 0;
    for (int count = below(4); count > 0; count--) {
        int pick = below((int)(sizeof parts / sizeof *parts));
        if (pick >= 9 && pick <= 11 && chance(85)) pick = 0;
        append(to, parts[pick], strlen(parts[pick]));
    }
}

static void maybe_odd(value *to) {
    if (!chance(1)) return;
    to->kind = (kind)below(5);
    to->integer = below(20);
    to->number = below(100) / 4.0;
}

static void make_pattern_call(void) {
    static const char *const names[] = {"find", "match", "gmatch", "gsub"};
    the_call.library = "string";
    the_call.name = PICK(names);
    make_subject(argument(), chance(5) ? 60 : 20);
    make_pattern(argument());
    for (int i = 0; i < 2; i++) maybe_odd(&the_call.arguments[i]);
    if (strcmp(the_call.name, "gsub") == 0) {
        value *replacement = argument();
        make_template(replacement);
        if (chance(25)) replacement->kind = FUNCTION, replacement->integer = below(6);
        else if (chance(15)) replacement->kind = LIST, replacement->integer = 0;
        maybe_odd(replacement);
        if (chance(20)) make_position(argument());
    } else if (chance(40)) {
        make_position(argument());
        if (the_call.name[0] == 'f' && chance(30)) argument()->kind = chance(50) ? TRUE : FALSE;
    }
}

/* ---- generated tables ---------------------------------------------------------------------------------- */

static void make_item(value *to, int style) {
    switch (style) {
    case 0: set_integer(to, below(50) - 10); break;
    case 1:
        to->kind = FLOAT;
        to->number = below(40) / 4.0;
        break;
    case 2: make_subject(to, 5); break;
    default: make_item(to, below(3)); if (chance(8)) to->kind = (kind)below(3);
    }
}

static void make_list(value *to, int style) {
    to->kind = LIST;
    to->items = the_call.items;
    to->integer = below(chance(10) ? 24 : 9);
    for (int i = 0; i < to->integer; i++) make_item(&to->items[i], style);
}

static void make_table_call(void) {
    static const char *const names[] = {"concat", "insert", "remove", "move", "sort", "unpack", "pack"};
    the_call.library = "table";
    the_call.name = PICK(names);
    char first = the_call.name[0];
    int is_sort = first == 's', style = is_sort && chance(90) ? below(3) : below(4);
    the_call.compares_messages = !is_sort; /* which pair is compared first is nobody's business */
    make_list(argument(), style);
    if (chance(2)) the_call.arguments[0].kind = (kind)below(6);
    if (is_sort) {
        if (chance(40)) {
            value *comparator = argument();
            comparator->kind = FUNCTION;
            comparator->integer = 6 + below(2);
            maybe_odd(comparator);
        }
        return;
    }
    if (first == 'c' && chance(60)) make_subject(argument(), 3);
    if (first == 'm') {
        for (int i = 0; i < 3; i++) set_integer(argument(), below(14) - 3);
        return;
    }
    for (int more = below(4); more > 0 && the_call.count < ARGUMENTS_MAX; more--) {
        value *next = argument();
        if (chance(80)) set_integer(next, below(12) - 2);
        else make_item(next, 3);
    }
}

/* ---- generated formats --------------------------------------------------------------------------------- */

static void make_number(value *to) {
    static const long long integers[] = {0, 1, -1, 7, 255, -42, 65, 123456789, LLONG_MAX, LLONG_MIN};
    static const double numbers[] = {0.0, -0.0, 1.5, -2.25, 1e15, 1e100, 1e308, 0.1, 3.0, 1e-300};
    if (chance(60)) {
        set_integer(to, PICK(integers));
    } else {
        to->kind = FLOAT;
        to->number = PICK(numbers);
    }
}

static void make_format_call(void) {
    static const char letters[] = "diucoxXaAeEfFgGqssss%";
    static const char *const widths[] = {"", "", "5", "-8", "05", "+", " ", "#", "20.5", ".3", "10.",
                                         "-010", "99",
                                         "100", ".99", ".100", "+-", "0-5.2", ".0", "1234567890123456789"};
    the_call.library = "string";
    the_call.name = "format";
    value *format = argument();
    format->kind = TEXT;
    for (int count = 1 + below(3); count > 0; count--) {
        if (chance(50)) append(format, "ab ", (size_t)below(4));
        char letter = letters[below((int)sizeof letters - 1)];
        append(format, "%", 1);
        if (letter != '%' && chance(50)) {
            const char *width = PICK(widths);
            append(format, width, strlen(width));
        }
        if (chance(98)) append(format, &letter, 1);
        else append(format, "ykn\0" + below(4), 1);
        if (letter == '%' || chance(1)) continue;
        value *next = argument();
        if (letter == 's' || letter == 'q' || chance(3)) make_item(next, 3);
        else make_number(next);
    }
}

static void make_rep_call(void) {
    the_call.library = "string";
    the_call.name = "rep";
    make_subject(argument(), 12);
    make_position(argument());
    if (the_call.arguments[1].integer > 1000) set_integer(&the_call.arguments[1], 3);
    if (chance(50)) make_subject(argument(), 4);
    for (int i = 0; i < the_call.count; i++) maybe_odd(&the_call.arguments[i]);
}

static void make_call(void) {
    the_call.count = 0;
    the_call.compares_messages = 1;
    int pick = below(100);
    if (pick < 65) make_pattern_call();
    else if (pick < 82) make_table_call();
    else if (pick < 96) make_format_call();
    else make_rep_call();
}

/* ---- running ------------------------------------------------------------------------------------------- */

/* Replacements and comparators, chosen by the upvalue. */
static int callback(lua_State *L) {
    switch (lua_tointeger(L, lua_upvalueindex(1))) {
    case 0: return 0;
    case 1: lua_pushboolean(L, 0); return 1;
    case 2: lua_pushinteger(L, lua_gettop(L)); return 1;
    case 3: lua_newtable(L); return 1;
    case 4: lua_settop(L, 1); return 1;
    case 5: return luaL_error(L, "from the callback");
    case 6: lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLT)); return 1;
    default: lua_pushboolean(L, lua_compare(L, 2, 1, LUA_OPLT)); return 1;
    }
}

static void push(lua_State *L, const value *v) {
    switch (v->kind) {
    case NIL: lua_pushnil(L); break;
    case TRUE: lua_pushboolean(L, 1); break;
    case FALSE: lua_pushboolean(L, 0); break;
    case INTEGER: lua_pushinteger(L, v->integer); break;
    case FLOAT: lua_pushnumber(L, v->number); break;
    case TEXT: lua_pushlstring(L, v->text, v->length); break;
    case FUNCTION:
        lua_pushinteger(L, v->integer);
        lua_pushcclosure(L, callback, 1);
        break;
    case LIST:
        lua_newtable(L);
        for (long long i = 0; i < v->integer; i++) {
            push(L, &v->items[i]);
            lua_rawseti(L, -2, i + 1);
        }
        lua_pushliteral(L, "replaced");
        lua_setfield(L, -2, "a");
        break;
    }
}

typedef struct output {
    char *text;
    size_t length;
} output;

static void put(output *out, const char *text, size_t length) {
    if (out->length + length > OUTPUT_MAX) length = OUTPUT_MAX - out->length;
    memcpy(out->text + out->length, text, length);
    out->length += length;
}

static void show(output *out, lua_State *L, int index, int depth) {
    size_t length;
    char text[64];
    index = lua_absindex(L, index);
    int type = lua_type(L, index);
    put(out, lua_typename(L, type), 3);
    if (type == LUA_TSTRING) {
        const char *string = lua_tolstring(L, index, &length);
        put(out, text, (size_t)snprintf(text, sizeof text, "(%zu)", length));
        put(out, string, length);
    } else if (type == LUA_TNUMBER && lua_isinteger(L, index) && the_call.compares_messages) {
        put(out, text, (size_t)snprintf(text, sizeof text, " %lld", (long long)lua_tointeger(L, index)));
    } else if (type == LUA_TNUMBER) {
        put(out, text, (size_t)snprintf(text, sizeof text, " %a", lua_tonumber(L, index)));
    } else if (type == LUA_TBOOLEAN) {
        put(out, lua_toboolean(L, index) ? " t" : " f", 2);
    } else if (type == LUA_TTABLE && depth < 2) {
        for (lua_Integer i = -3; i < 40; i++) {
            if (lua_rawgeti(L, index, i) != LUA_TNIL) show(out, L, -1, depth + 1);
            else put(out, ".", 1);
            lua_pop(L, 1);
        }
        lua_getfield(L, index, "n");
        show(out, L, -1, depth + 1);
        lua_pop(L, 1);
    }
    put(out, "\n", 1);
}

/* Protected. 1: the function; runs the call, and for gmatch its iterations. */
static int perform(lua_State *L) {
    for (int i = 0; i < the_call.count; i++) push(L, &the_call.arguments[i]);
    if (the_call.library[0] == 't' && the_call.count > 0) { /* to be looked at afterwards */
        lua_pushvalue(L, 2);
        lua_insert(L, 1);
    }
    lua_call(L, the_call.count, LUA_MULTRET);
    if (strcmp(the_call.name, "gmatch") != 0) return lua_gettop(L);
    for (int i = 0; i < 30; i++) {
        luaL_checkstack(L, 40, NULL);
        lua_pushvalue(L, 1);
        int before = lua_gettop(L);
        lua_call(L, 0, LUA_MULTRET);
        if (lua_gettop(L) < before || lua_isnil(L, before)) break;
    }
    return lua_gettop(L);
}

/* The libraries' table is at index 1. */
static void run(lua_State *L, output *out) {
    out->length = 0;
    lua_settop(L, 1);
    lua_pushcfunction(L, perform);
    lua_getfield(L, 1, the_call.library);
    lua_getfield(L, -1, the_call.name);
    lua_remove(L, -2);
    int status = lua_pcall(L, 1, LUA_MULTRET, 0), is_error = status != LUA_OK;
    put(out, is_error ? "error\n" : "results\n", is_error ? 6 : 8);
    if (is_error && !the_call.compares_messages) return;
    for (int index = 2; index <= lua_gettop(L); index++) show(out, L, index, 0);
}

static void print_escaped(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n' || (text[i] >= ' ' && text[i] < 127)) putchar(text[i]);
        else printf("\\x%02x", (unsigned char)text[i]);
    }
}

static void print_call(void) {
    printf("%s.%s\n", the_call.library, the_call.name);
    for (int i = 0; i < the_call.count; i++) {
        const value *v = &the_call.arguments[i];
        printf("  %d: ", (int)v->kind);
        if (v->kind == TEXT) print_escaped(v->text, v->length);
        else if (v->kind == FLOAT) printf("%a", v->number);
        else if (v->kind > FALSE) printf("%lld", v->integer);
        putchar('\n');
    }
}

int main(int count, char **arguments) {
    long cases = count > 1 ? atol(arguments[1]) : 200000, errors = 0;
    uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : 20261121;
    int64_t began = clh_now();
    random_state = seed ? seed : 1;
    clh_state *host = open_state(NULL);
    lua_State *ours = host->main, *stock = luaL_newstate();
    output out[2] = {{malloc(OUTPUT_MAX), 0}, {malloc(OUTPUT_MAX), 0}};
    luaL_openlibs(stock);
    lua_settop(ours, 0);
    lua_rawgetp(ours, LUA_REGISTRYINDEX, &clh_environment_key);
    lua_pushglobaltable(stock);
    for (long i = 0; i < cases; i++) {
        make_call();
        run(ours, &out[0]);
        run(stock, &out[1]);
        errors += out[0].text[0] == 'e';
        if (out[0].length == out[1].length && memcmp(out[0].text, out[1].text, out[0].length) == 0) continue;
        printf("case %ld of seed %llu differs\n", i, (unsigned long long)seed);
        print_call();
        for (int which = 0; which < 2; which++) {
            printf("-- %s\n", which ? "stock" : "ours");
            print_escaped(out[which].text, out[which].length);
        }
        return 1;
    }
    printf("differential: %ld calls equal to stock Lua's, %ld of them errors, seed %llu, %.1f s\n", cases,
           errors, (unsigned long long)seed, (double)(clh_now() - began) / 1e9);
    lua_close(stock);
    lua_settop(ours, 0);
    clh_close(host);
    free(out[0].text);
    free(out[1].text);
    return 0;
}
