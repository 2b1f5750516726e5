/* JSON in the C target: what it writes and reads, and what it leaves to the host, which says what is wrong.
 * That both do the same with anything generated is checked by LuaRuntimeTests. */
#include "checks.h"

#include <stdlib.h>

static void expect(clh_state *host, const char *source) {
    ending end;
    run_source(host, source, 5000 * MILLISECOND, &end);
    if (end.outcome != CLH_DONE) FAIL("%s\n  outcome %d: %s", source, (int)end.outcome, end.message);
}

/* A value and its text, both ways. */
static void both_ways(void) {
    static const char *const pairs[][2] = {
        {"1", "1"},
        {"-1", "-1"},
        {"999999999999999999", "999999999999999999"},
        {"0.5", "0.5"},
        {"2.0", "2.0"},
        {"-0.0", "-0.0"},
        {"1e14", "100000000000000.0"},
        {"true", "true"},
        {"''", "\"\""},
        {"{}", "{}"},
        {"'\\0\\8\\t\\n\\f\\r\"\\\\/\\127\\u{e9}\\u{1f600}'",
         "\"\\u0000\\b\\t\\n\\f\\r\\\"\\\\/\x7f\xc3\xa9\xf0\x9f\x98\x80\""},
        {"{1, {2}, 'x', false}", "[1,[2],\"x\",false]"},
        {"{b = 1, a = {c = {}}, aa = 2, B = 3}", "{\"B\":3,\"a\":{\"c\":{}},\"aa\":2,\"b\":1}"},
    };
    clh_state *host = open_state(NULL);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char source[600];
        snprintf(source, sizeof source,
                 "local got = json.encode(%s) assert(got == [=[%s]=], got) "
                 "got = json.encode(json.decode([=[%s]=])) assert(got == [=[%s]=], got)",
                 pairs[i][0], pairs[i][1], pairs[i][1], pairs[i][1]);
        json_answers = 0;
        expect(host, source);
        CHECK(json_answers == 3);
    }
    close_state(host);
}

static void large(void) {
    clh_state *host = open_state(NULL);
    expect(host, "local named, list = {}, {} "
                 "for i = 1, 3000 do list[i] = i named[('%04d'):format(i)] = {[1] = {x = i}} end "
                 "local text, last = json.encode(named), '' "
                 "for name in text:gmatch('\"(%d+)\"') do assert(name > last) last = name end "
                 "assert(last == '3000' and json.decode(text)['0077'][1].x == 77) "
                 "local again = json.decode(json.encode(list)) assert(#again == 3000) "
                 "for i = 1, 3000 do assert(again[i] == i) end "
                 "local deep = {} for i = 1, 31 do deep = {deep} end "
                 "assert(json.encode(json.decode(json.encode(deep))) == json.encode(deep)) "
                 "local t = {} for i = 1, 17 do t['k' .. i] = {i} end t = json.decode(json.encode(t)) "
                 "for i = 1, 17 do assert(t['k' .. i][1] == i) end");
    CHECK(host->names.capacity <= CLH_NAMES_KEPT); /* outside the heap, where nobody counts it */
    expect(host, "local t = json.decode([[ {\"a\" : [ 1 , -2.5E+1 , true ] ,\r\n\t\"n\" : null , "
                 "\"\\u0062\":\"\\/\\ud83d\\uDE00\" } ]]) "
                 "assert(t.a[1] == 1 and t.a[2] == -25 and t.n == nil and t.b == '/\\u{1f600}') "
                 "local count = 0 for _ in pairs(t) do count = count + 1 end assert(count == 2) "
                 "assert(math.type(json.decode('-0')) == 'integer') "
                 "assert(math.type(json.decode('1e2')) == 'float') "
                 "assert(json.decode('null') == nil and select('#', json.decode('null')) == 1)");
    close_state(host);
}

/* What the host is asked. */
static void left(void) {
    static const char *const calls[] = {
        "encode(print)", "encode(0/0)", "encode({1, nil, 3})", "encode({1, a = 2})", "encode({[2] = 1})",
        "encode('\\255')", "encode({['\\u{e9}'] = 1})", "encode(setmetatable({}, {}))", "encode(1, {})",
        "encode()", "encode({('x'):rep(900000), ('x'):rep(900000)})",
        "encode((function() local t = {('x'):rep(9000)} for i = 1, 9 do t = {t, t} end return t end)())",
        "encode((function() local t = {} t[1] = t return t end)())",
        "encode((function() local t = {} for i = 1, 32 do t = {t} end return t end)())",
        "decode()", "decode(1)", "decode('')", "decode('{')", "decode('[1')", "decode('[1,]')",
        "decode('[1;2]')", "decode('{\"a\":1,}')", "decode('{\"a\" 1}')", "decode('{a:1}')",
        "decode('{1:1}')",
        "decode('{\"a\":1,\"a\":2}')", "decode('{\"a\":null,\"a\":2}')", "decode('{\"a\":2,\"a\":null}')",
        "decode('{\"a\":null,\"a\":null}')", "decode('[null]')", "decode('01')", "decode('-')",
        "decode('-a')",
        "decode('+1')", "decode('1.')", "decode('.5')", "decode('1e')", "decode('1e+')", "decode('0x1')",
        "decode('1e999')", "decode('nul')", "decode('nulll')", "decode('1 2')", "decode('\"')",
        "decode('\"a')",
        "decode('\"\\n\"')", "decode([[\"\\x\"]])", "decode([[\"\\u12\"]])", "decode([[\"\\u12g4\"]])",
        "decode([[\"\\ud800\"]])", "decode([[\"\\ud800\\u0041\"]])", "decode([[\"\\ud800x\"]])",
        "decode([[\"\\udc00\"]])", "decode('\"\\255\"')", "decode('\"\\\\')", "decode('\"\\\\u')",
        "decode('9999999999999999999')", "decode('1', 2)", "decode(('['):rep(40) .. (']'):rep(40))",
        "decode(('['):rep(100000))", "decode(('{\"a\":'):rep(40000))", "decode('{\"\\u{e9}\":1}')",
    };
    clh_state *host = open_state(NULL);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char source[400];
        snprintf(source, sizeof source,
                 "local ok, e = pcall(function() return json.%s end) assert(not ok and type(e) == 'string') "
                 "assert(e:find('left to the host', 1, true) or e:find('cannot be ', 1, true), e)",
                 calls[i]);
        json_answers = 0;
        expect(host, source);
        if (json_answers != 0) FAIL("json.%s was answered", calls[i]);
    }
    close_state(host);
}

/* Where the heap has no room for the value, the run hears of it; the garbage that is left hurts nobody. */
static void little_memory(void) {
    clh_limits limits = default_limits;
    limits.heap_max = 1 << 20;
    clh_state *host = open_state(&limits);
    expect(host, "for i = 1, 20 do "
                 "local made, text = pcall(string.rep, '[],', 20000) assert(made, text) "
                 "local ok, e = pcall(json.decode, '[' .. text .. '1]') assert(not ok, i) end "
                 "assert(json.decode('[1]')[1] == 1)");
    close_state(host);
}

int main(void) {
    both_ways();
    large();
    left();
    little_memory();
    printf("json: written and read as expected; the unusual is left to the host\n");
    return 0;
}
