/* Every public function once, in the ways it is meant and in some that it is not. */
#include "checks.h"

#include <stdlib.h>

static const uint8_t no_arguments[] = {0x90};

/* Runs a body by a call, with its result's first byte after the list's head. */
static void expect_results(clh_state *host, const char *source, clh_outcome outcome, const char *message) {
    ending end;
    run_source(host, source, 1000 * MILLISECOND, &end);
    if (end.outcome != outcome || (message && !strstr(end.message, message))) {
        FAIL("%s\n  outcome %d: %s", source, (int)end.outcome, end.message);
    }
}

static void calls(void) {
    static const char *const sources[] = {
        "assert(test.echo(1, 'x', nil, true) == 1)",
        "assert(test.echo({a = {1, 2}}).a[2] == 2)",
        "assert(test.fast(1.5) == 1.5 and test.fast('text') == 'text' and test.fast(nil, 2) == nil)",
        "assert(test.wait({1, 2})[2] == 2)",
        "assert(coroutine.wrap(function() return test.wait(7) end)() == 7)",
        "assert(select(2, pcall(test.wait, 8)) == 8)",
        "local n = 0 for x in test.each(1) do n = n + x end assert(n == 6)",
        "assert(setmetatable({}, {__index = function(_, k) return test.wait(k) end}).y == 'y')",
        "for x in function(_, i) return test.wait((i or 0) < 3 and (i or 0) + 1 or nil) end do end",
        "local g = test.with(1, function(guard) assert(guard == 'guard') return 5 end) assert(g == 5)",
        "local ok, e = pcall(test.with, 1, function() error({1}) end) assert(not ok and e[1] == 1)",
        "local ok, e = pcall(test.misuse) assert(not ok and e:find('that is wrong', 1, true))",
        "assert(test.config.name == 'name' and test.constant.x[2] == 1.5)",
        "assert(not pcall(function() test.echo = 1 end) and not pcall(rawset, test, 'x', 1))",
        "local names = {} for k in pairs(test) do names[#names + 1] = k end assert(#names == 10, #names)",
        "test.on(function(x, y) return x, y end)",
        "local o = test.make() assert(o:id() == 9 and o.x == 5 and o.y == nil and o:wait(3) == 3)",
        "local o, n = test.make(), 0 for x in o:each(1) do n = n + x end assert(n == 6 and o:fast(4) == 4)",
        "local o = test.make() assert(o:with(1, function(g) return g end) == 'guard')",
        "local o = test.make() assert(#o:load('long') == 6000 and o:load('long')[6000] == 9)",
        "local o = test.make() assert(o:load('k', function(g) return g .. test.wait('!') end) == 'guard!')",
        "local o = test.make() local a, b = o:load({}, function() return 1, {2} end) assert(b[1] == 2)",
        "local o, n = test.make(), 0 local deep = {} for i = 1, 40 do deep = {deep} end deep.deep = nil "
        "local cycle = {x = {}} cycle.x.y = cycle local wide = {} for i = 1, 300 do wide[i] = {i} end "
        "for _, v in ipairs {{a = {b = {1, {}}}}, {{{1}}, {x = 'y'}}, {{1, nil, 3}}, {[3] = {}}} do "
        "n = n + (pcall(o.load, o, v, function() return 1 end) and 1 or 0) end assert(n == 2, n) "
        "for _, v in ipairs {deep, cycle} do assert(not pcall(o.load, o, v, print)) end "
        "assert(o:load(wide, function() return 7 end) == 7)",
        "local o = test.make() local ok, e = pcall(o.load, o, 'k', function() error('x', 0) end)"
        " assert(not ok and e == 'x')",
        "local o = test.make() local ok, e = pcall(o.load, o, 'k', function() return print end)"
        " assert(not ok and e:find('a function cannot be stored', 1, true))",
        "local o = test.make() assert(not pcall(o.load, o, 'k') and not pcall(o.load, 'k', print))",
        "local o = test.make() for _, f in ipairs { o.id, o.fast, o.wait, o.each, o.with, o.load } do"
        " assert(not pcall(f)) assert(not pcall(f, 1)) assert(not pcall(f, {})) assert(not pcall(f, test)) end",
        "local o = test.make() assert(not pcall(function() o.x = 1 end) and getmetatable(o) == false)",
        "local o = test.make() assert(not pcall(test.echo, o) and not pcall(test.fast, o))",
    };
    clh_state *host = open_state(NULL);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        char source[800];
        ending end;
        snprintf(source, sizeof source, "%s", sources[i]);
        clh_state *own = open_state(NULL);
        expect_results(own, source, CLH_DONE, NULL);
        if (handed_function) {
            static const uint8_t arguments[] = {0x92, 0xcf, 0x7f, 0xff, 0xff, 0xff,
                                                0xff, 0xff, 0xff, 0xff, 0xc0};
            uint64_t run = clh_begin_call(own, handed_function, arguments, sizeof arguments,
                                          MILLISECOND * 100);
            CHECK(run != 0);
            finish_run(own, run, &end);
            CHECK(end.outcome == CLH_DONE);
            clh_release_function(own, handed_function);
            clh_release_function(own, handed_function);
            clh_release_function(own, -5);
            clh_release_function(own, 1000000);
            run = clh_begin_call(own, handed_function, arguments, sizeof arguments, MILLISECOND * 100);
            finish_run(own, run, &end);
            CHECK(end.outcome == CLH_ERROR && end.error == CLH_ERROR_HOST);
        }
        close_state(own);
    }
    close_state(host);
}

static void runs(void) {
    ending end;
    clh_result result;
    clh_state *host = open_state(NULL);
    clh_resume(host, 99, &result);
    CHECK(result.outcome == CLH_NO_RUN);
    clh_drop(host, 99);
    uint64_t run = clh_begin_load(host, "absent.lua", MILLISECOND);
    finish_run(host, run, &end);
    CHECK(end.outcome == CLH_ERROR && end.error == CLH_ERROR_SYNTAX);
    run = clh_begin_call(host, 1, no_arguments, sizeof no_arguments, MILLISECOND);
    finish_run(host, run, &end);
    CHECK(end.outcome == CLH_ERROR && end.error == CLH_ERROR_HOST);
    expect_results(host, "return (", CLH_ERROR, "main.lua:1: unexpected symbol near <eof>");
    close_state(host);

    host = open_state(NULL); /* a run that is dropped while it waits, and one that is left waiting */
    CHECK(clh_add_source(host, "main.lua", (const uint8_t *)"test.wait(1)", 12) == 0);
    for (int i = 0; i < 2; i++) {
        run = clh_begin_load(host, "main.lua", 100 * MILLISECOND);
        clh_resume(host, run, &result);
        CHECK(result.outcome == CLH_CALL && result.phase == CLH_PHASE_CALL && result.length > 0);
        if (i == 0) {
            clh_drop(host, run);
            clh_resume(host, run, &result);
            CHECK(result.outcome == CLH_NO_RUN);
        }
    }
    clh_resume(host, run, &result); /* without an answer */
    CHECK(result.outcome == CLH_ERROR);
    clh_statistics statistics;
    clh_read_statistics(host, &statistics);
    CHECK(statistics.host_calls == 2 && statistics.heap > 0 && statistics.heap_peak >= statistics.heap);
    CHECK(!clh_is_abandoned(host));
    close_state(host);
}

/* A malformed or unexpected answer is an error of the run and nothing else. */
static void answers(void) {
    static const struct {
        uint8_t bytes[24];
        size_t length;
    } malformed[] = {{{0x91}, 1}, {{0x91, 0xd9, 0xff, 'x'}, 4}, {{0xc1}, 1},
                     {{0x91, 0xdd, 0xff, 0xff, 0xff, 0xff}, 6},
                     {{0x91, 0x81, 0x01, 0x02}, 4}, {{0x91, 0xc7, 0x01, 0x01, 0x00}, 5},
                     {{0x91, 0xc9, 0, 0, 0, 13, 2, 0, 0, 0, 9}, 11}, {{0x91, 0xc9, 0xff, 0xff}, 4},
                     {{0x91, 0xc9, 0, 0, 0, 2, 2, 0, 0}, 9},
                     {{0x91, 0xc9, 0, 0, 0, 13, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0xc0}, 20},
                     {{0x91, 0xc9, 0, 0, 0, 13, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xc0}, 20},
                     {{0x91, 0xc9, 0, 0, 0, 14, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xc0, 1}, 21},
                     {{0}, 0}};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        clh_result result;
        clh_state *host = open_state(NULL);
        CHECK(clh_add_source(host, "main.lua", (const uint8_t *)"test.wait(1)", 12) == 0);
        uint64_t run = clh_begin_load(host, "main.lua", 100 * MILLISECOND);
        clh_resume(host, run, &result);
        CHECK(result.outcome == CLH_CALL);
        clh_reply(host, CLH_VALUES, malformed[i].bytes, malformed[i].length);
        clh_resume(host, run, &result);
        if (i > 0) CHECK(result.outcome == CLH_ERROR && strstr(result.message, "malformed value"));
        close_state(host);
    }
    clh_state *host = open_state(NULL);
    CHECK(clh_add_constant(host, "test.bad", (const uint8_t *)"\xc1", 1) != 0);
    CHECK(clh_add_constant(host, "deep.er.value", (const uint8_t *)"\x01", 1) == 0);
    expect_results(host, "assert(deep.er.value == 1)", CLH_DONE, NULL);
    close_state(host);
}

static void watchdogs(void) {
    for (int i = 0; i < 3; i++) {
        clh_watchdog *watchdog = clh_watchdog_start();
        CHECK(watchdog && clh_thread_enter(watchdog) == 0);
        clh_thread_name("check");
        clh_state *host = open_state(NULL);
        ending end;
        run_source(host, "while true do end", 30 * MILLISECOND, &end);
        CHECK(end.outcome == CLH_KILLED && end.kill == CLH_KILL_TIMEOUT && end.turns >= 2);
        expect_results(host, "return 1", CLH_DONE, NULL); /* the state lives on */
        close_state(host);
        clh_thread_leave();
        clh_thread_leave();
        clh_watchdog_stop(watchdog);
    }
    clh_watchdog_stop(NULL);
    clh_close(NULL);
}

/* Searches that are put aside at the end of each of many slices give the same as ever. */
static void pauses(void) {
    static const char source[] =
        "local s = ('hello world 123 key=value; '):rep(12000) "
        "local swapped = ('hello world 123 value=key; '):rep(12000) "
        "local function all() "
        "  local a, n = s:gsub('(%w+)=(%w+)', '%2=%1') assert(a == swapped and n == 12000) "
        "  a, n = s:gsub('(%w+)=(%w+)', function(k, v) return v .. '=' .. k end) assert(a == swapped and n == 12000) "
        "  a, n = s:gsub('%w+', {key = 'value', value = 'key'}) assert(a == swapped and n == 60000) "
        "  n = 0 for k, at, v in s:gmatch('(%a+)=()(%a+)') do n = n + 1 assert(s:sub(at, at + 4) == v) end "
        "  assert(n == 12000) "
        "  assert(select('#', s:find('(((k)ey)=v)[^k]*$')) == 5) "
        "  assert(not s:find('[\\200-\\255]')) "
        "  assert(s:match('^.-(.)$') == ' ' and #s:match('^((%C*))') == #s) "
        "  assert(s:gsub('', '') == s) "
        "end "
        "all() assert(pcall(all)) coroutine.wrap(all)() coroutine.wrap(function() coroutine.wrap(all)() end)()";
    clh_limits limits = default_limits;
    limits.slice = 1000;
    clh_watchdog *watchdog = clh_watchdog_start();
    CHECK(watchdog && clh_thread_enter(watchdog) == 0);
    clh_state *host = open_state(&limits);
    ending end;
    run_source(host, source, 60000 * MILLISECOND, &end);
    if (end.outcome != CLH_DONE) FAIL("pauses: %s", end.message);
    CHECK(end.turns > 20);
    close_state(host);
    clh_thread_leave();
    clh_watchdog_stop(watchdog);
}

/* Functions that ours call back may use up their slices and wait for the host, at every step. */
static void callbacks(void) {
    static const char source[] =
        "local function spin() for i = 1, 3000 do end end "
        "local function sorted(t, less) for i = 2, #t do assert(not less(t[i], t[i - 1])) end end "
        "local function ascends(a, b) return a < b end "
        "local function all(step) "
        "  for n = 0, 150, 7 do "
        "    local t, u, v = {}, {}, {} "
        "    for i = 1, n do t[i] = (i * 7919) % 101 u[i] = -t[i] v[i] = setmetatable({t[i]}, nil) end "
        "    table.sort(t, function(a, b) step(a) return a < b end) sorted(t, ascends) "
        "    table.sort(u, function(a, b) local x = step(a) return x < b end) sorted(u, ascends) "
        "    local meta = {__lt = function(a, b) return step(a[1]) < b[1] end} "
        "    for i = 1, n do setmetatable(v[i], meta) end "
        "    table.sort(v) sorted(v, function(a, b) return a[1] < b[1] end) "
        "  end "
        "  local s, n = ('a=b '):rep(100), 0 "
        "  local swapped = s:gsub('(%w)=(%w)', function(a, b) n = n + 1 return step(b) .. '=' .. a end) "
        "  assert(swapped == ('b=a '):rep(100) and n == 100) "
        "  assert(s:gsub('%w', function(c) step(c) return c == 'a' and (('x'):gsub('x', step)) end, 150) "
        "    == ('x=b '):rep(75) .. ('a=b '):rep(25)) "
        "  assert(('abc'):gsub('^a', function(c) return step('z') end) == 'zbc') "
        "  assert(('abc'):gsub('', function() return step('-') end) == '-a-b-c-') "
        "  assert(not pcall(string.gsub, 'abc', 'b', function() step(1) return {} end)) "
        "  assert(not pcall(string.gsub, 'abc', 'b', function() step(1) error('x') end)) "
        "  assert(not pcall(table.sort, {1, 2, 3, 4}, function() step(1) return true end)) "
        "  assert(tostring(setmetatable({}, {__tostring = function() return step('text') end})) == 'text') "
        "  print(1, setmetatable({}, {__tostring = function() return step('text') end}), 2) "
        "end "
        "local function passes(x) spin() return x end "
        "local function waits(x) return test.wait(x) end "
        "all(passes) all(waits) coroutine.wrap(all)(waits) "
        "assert(coroutine.resume(coroutine.create(function() coroutine.wrap(all)(passes) end)))";
    clh_limits limits = default_limits;
    limits.slice = 1000;
    clh_watchdog *watchdog = clh_watchdog_start();
    CHECK(watchdog && clh_thread_enter(watchdog) == 0);
    clh_state *host = open_state(&limits);
    ending end;
    run_source(host, source, 60000 * MILLISECOND, &end);
    if (end.outcome != CLH_DONE) FAIL("callbacks: %s", end.message);
    CHECK(end.turns > 20 && end.calls > 1000);
    close_state(host);
    clh_thread_leave();
    clh_watchdog_stop(watchdog);
}

int main(void) {
    calls();
    pauses();
    callbacks();
    runs();
    answers();
    watchdogs();
    printf("smoke: every public function does what it says\n");
    return 0;
}
