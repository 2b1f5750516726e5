/* No memory at any place: for every n the n-th allocation fails, once and from then on, while a state is
 * made and while each kind of host call is under way. Nothing may abort, and everything must be returned.
 * The linker puts the allocators below in front of the real ones (-Wl,--wrap). Usage: memory [most] */
#include "checks.h"

#include <stdlib.h>

/* ---- allocators that fail ------------------------------------------------------------------------------ */

static long countdown = -1; /* allocations until one fails; -1: never */
static int fails_on;        /* and all after it */

/* Lua asks twice, with a collection in between, so a failure lasts for two allocations. */
static int is_to_fail(void) {
    if (countdown < 0) return 0;
    if (countdown > 1) {
        countdown--;
        return 0;
    }
    if (!fails_on && --countdown < 0) return 1;
    return 1;
}

void *__real_clh_allocate(void *state, void *block, size_t old_size, size_t new_size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);

static int is_inside; /* the C library's allocators below the heap's */

void *__wrap_clh_allocate(void *state, void *block, size_t old_size, size_t new_size) {
    int grows = new_size > (block ? old_size : 0);
    if (grows && is_to_fail()) return NULL;
    is_inside++;
    void *moved = __real_clh_allocate(state, block, old_size, new_size);
    is_inside--;
    return moved;
}

void *__wrap_malloc(size_t size) { return !is_inside && is_to_fail() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) {
    return !is_inside && is_to_fail() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *block, size_t size) {
    return !is_inside && is_to_fail() ? NULL : __real_realloc(block, size);
}
char *__wrap_strdup(const char *text) { return !is_inside && is_to_fail() ? NULL : __real_strdup(text); }

/* ---- what is tried ------------------------------------------------------------------------------------- */

static const char *const bodies[] = {
    "local t = test.echo({a = 1, b = {1, 2, 'x', 2.5}}, 'text') return t.b[3]",
    "return test.fast(1, 'two', 3.5, nil, true)",
    "return test.fast({1, 2}, {a = 'b'})",
    "return test.wait({1, {x = 'y'}}, ('z'):rep(3000))",
    "local o = test.make() local long = ('n'):rep(50) "
    "return o:load({a = {b = {1, 'x'}}, [long] = {{c = {}}}}, function(g) return g end)",
    "local n = 0 for x in test.each('prefix') do n = n + x end return n",
    "return test.with({lock = 'a'}, function(guard) return guard .. '!' end)",
    "return pcall(test.with, 1, function(guard) error({guard}) end)",
    "return test.config.anything, test.config.other",
    "local o = test.make() return o:id(), o.x, o:fast('text'), o:with(1, function(g) return g end)",
    "local o = test.make() return #o:load('long'), o:load('k', function(g) return {g, test.wait(1)} end)",
    "local o = test.make() return pcall(o.load, o, {}, function() error({test.wait(1)}) end)",
    "local t = json.decode('{\"a\": [1, 2.5, \"x\\\\n\", {}], \"b\": null, \"c\": {\"d\": true}}') "
    "return #t.a",
    "local t = {} for i = 1, 30 do t['k' .. i] = {i, i / 7, {x = i}} end return #json.encode(t)",
    "return json.encode({[1] = {}, a = 1}, 2), json.decode('[[[')",
    "return test.constant.x[2]",
    "return pcall(test.misuse, 1, 2)",
    "test.on(function() return 1 end) test.on(function() return {} end)",
    "return require('lib.x').name",
    "return coroutine.wrap(function() return test.wait("
    "coroutine.wrap(function() return test.wait(5) end)()) end)()",
    "return pcall(coroutine.wrap(function() error('x' .. tostring({})) end))",
    "return ('a,b,c'):gsub('(%w)', function(c) return test.echo(c) .. '!' end)",
    "return ('%5.1f %s %q'):format(1.5, {}, 'x\\n'), table.concat({1, 2, 3}, ', '), ('x'):rep(9000)",
    "local t = {5, 3, 1} table.sort(t, function(a, b) return a < b end) table.insert(t, 1, 9) "
    "return table.unpack(t)",
    "for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do print(k, v) end return ('x'):find('(x)()')",
    "error(setmetatable({}, {__tostring = function() return 'no' end}))",
    "error({code = 'not_found', message = 'it is gone'})",
    "local function f() return f() + 1 end return f()",
    "local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() end}) "
    "coroutine.yield() end) coroutine.resume(co) return coroutine.close(co)",
};

/* Hands the body over and calls it, from the load to the close. 0 when no allocation failed any more. */
static int attempt(const char *body, long n, int on, int from_the_start) {
    char source[600];
    static const uint8_t arguments[] = {0x92, 0x01, 0x81, 0xa1, 'k', 0xa1, 'v'};
    snprintf(source, sizeof source, "test.on(function(...) %s end) return 1", body);
    fails_on = on;
    countdown = from_the_start ? n : -1;
    clh_state *host = open_state_or_null(NULL);
    if (host) {
        ending end;
        if (!from_the_start) countdown = n;
        clh_add_source(host, "lib/x.lua", (const uint8_t *)"return {name = 'x'}", 19);
        run_source(host, source, 1000 * MILLISECOND, &end);
        CHECK(end.outcome != CLH_CALL);
        uint64_t run = clh_begin_call(host, handed_function ? handed_function : 1, arguments,
                                      sizeof arguments, 1000 * MILLISECOND);
        if (run) finish_run(host, run, &end);
        run = clh_begin_call(host, 1, arguments, sizeof arguments, 1000 * MILLISECOND);
        if (run) clh_drop(host, run);
        clh_release_function(host, handed_function);
    }
    int failed = countdown < 0 || (on && countdown <= 1);
    countdown = -1;
    if (host) close_state(host);
    return failed;
}

int main(int count, char **arguments) {
    long most = count > 1 ? atol(arguments[1]) : 500, attempts = 0;
    int bodies_count = (int)(sizeof bodies / sizeof *bodies);
    int64_t began = clh_now();
    for (int on = 0; on < 2; on++) {
        for (long n = 1; n <= most; n++) attempts++, attempt(bodies[0], n, on, 1);
        for (int body = 0; body < bodies_count; body++) {
            for (long n = 1; n <= most; n++) {
                attempts++;
                if (!attempt(bodies[body], n, on, 0)) break;
            }
        }
    }
    printf("memory: %ld attempts with an allocation that failed, up to the %ldth, in %d bodies, %.1f s\n",
           attempts, most, bodies_count, (double)(clh_now() - began) / 1e9);
    return 0;
}
