#include "checks.h"

#include <stdlib.h>

const clh_limits default_limits = {.heap_max = 64u << 20,
                                   .block_max = 1u << 20,
                                   .value_max = 256u << 10,
                                   .source_max = 256u << 10,
                                   .slice = 10 * MILLISECOND,
                                   .depth_max = 32};

enum { OP_ECHO, OP_ON, OP_MISUSE, OP_WAIT, OP_EACH, OP_WITH, OP_FIELD, OP_MAKE, OP_SELF, OP_LOAD, OP_JSON };

int32_t handed_function;
int json_answers;
static clh_state *the_state; /* whose host this is */

/* ---- the host ------------------------------------------------------------------------------------------ */

static void ignore_log(void *owner, clh_log_source source, const char *text, size_t length,
                       const char *position) {
    (void)owner, (void)source, (void)text, (void)length, (void)position;
}

static void answer(void *owner, int op, const uint8_t *arguments, size_t length, const char *position) {
    static const uint8_t nothing[] = {0x90};
    static const uint8_t object[] = {0x91, 0xc9, 0, 0, 0, 16, 2, 0, 0, 0, 0,
                                     0, 0, 0, 0, 0, 0, 0, 9, 0x81, 0xa1, 'x', 5};
    uint8_t self[] = {0x91, (uint8_t)clh_self(the_state)};
    (void)owner;
    (void)position;
    switch (op) {
    case OP_MAKE: clh_reply(the_state, CLH_VALUES, object, sizeof object); break;
    case OP_SELF: clh_reply(the_state, CLH_VALUES, self, sizeof self); break;
    case OP_MISUSE: clh_reply(the_state, CLH_MISUSE, (const uint8_t *)"that is wrong", 13); break;
    case OP_JSON: clh_reply(the_state, CLH_MISUSE, (const uint8_t *)"left to the host", 16); break;
    case OP_ON: /* [extension 1: id, generation] */
        if (length >= 7 && arguments[1] == 0xd7) {
            handed_function = arguments[3] << 24 | arguments[4] << 16 | arguments[5] << 8 | arguments[6];
        }
        clh_reply(the_state, CLH_VALUES, nothing, sizeof nothing);
        break;
    default: clh_reply(the_state, CLH_VALUES, arguments, length);
    }
}

/* An attempt: a long list for 'long', else nothing. */
static void try_answer(clh_fast_call *call) {
    const clh_scalar *key = call->arguments;
    if (call->argument_count == 0 || key->type != CLH_TEXT || memcmp(key->text, "long", key->length) != 0) {
        call->is_passed = 1;
        return;
    }
    size_t count = 6000;
    uint8_t *room = clh_fast_room(call, count + 3);
    if (!room) {
        call->is_overflown = 1;
        return;
    }
    room[0] = 0xdc, room[1] = (uint8_t)(count >> 8), room[2] = (uint8_t)count;
    memset(room + 3, (int)call->self, count);
    *call->results = (clh_scalar){.type = CLH_ENCODED, .length = count + 3, .text = room};
    call->result_count = 1;
}

static void answer_fast(void *function, clh_fast_call *call) {
    if (function) {
        try_answer(call);
        return;
    }
    for (int i = 0; i < call->argument_count && i < call->result_capacity; i++) {
        const clh_scalar *argument = &call->arguments[i];
        clh_scalar *result = &call->results[i];
        *result = *argument;
        if (argument->type == CLH_LIST || argument->type == CLH_MAP) result->type = CLH_NIL;
        if (argument->type == CLH_TEXT) {
            if (argument->length > call->byte_capacity - call->byte_count) {
                call->is_overflown = 1;
                return;
            }
            memcpy(call->bytes + call->byte_count, argument->text, argument->length);
            result->text = call->bytes + call->byte_count;
            call->byte_count += argument->length;
        }
        call->result_count++;
    }
}

/* Answers a call that waits: what was given, one page of two items, or an entry with a token. */
static void answer_waiting(clh_state *host, const clh_result *result) {
    static const uint8_t first_page[] = {0x93, 0x92, 0x01, 0x02, 0xc4, 0x01, 'c', 0xc2};
    static const uint8_t last_page[] = {0x93, 0x91, 0x03, 0xc0, 0xc2};
    static const uint8_t entry[] = {0x92, 0x07, 0x91, 0xa5, 'g', 'u', 'a', 'r', 'd'};
    static const uint8_t left[] = {0x91, 0xa4, 'l', 'e', 'f', 't'};
    if (result->op == OP_LOAD && result->phase == CLH_PHASE_LEAVE && result->length > 0) {
        clh_reply(host, CLH_VALUES, result->bytes, result->length);
        return;
    }
    switch (result->phase) {
    case CLH_PHASE_PAGE:
        if (result->extra_length == 0) clh_reply(host, CLH_VALUES, first_page, sizeof first_page);
        else clh_reply(host, CLH_VALUES, last_page, sizeof last_page);
        break;
    case CLH_PHASE_ENTER: clh_reply(host, CLH_VALUES, entry, sizeof entry); break;
    case CLH_PHASE_LEAVE: clh_reply(host, CLH_VALUES, left, sizeof left); break;
    default: clh_reply(host, CLH_VALUES, result->bytes, result->length);
    }
}

static void answered(void *function) { json_answers += function == &the_state; }

static size_t write_number(double number, uint8_t *to) {
    char text[40];
    int length = snprintf(text, sizeof text, "%.17g", number);
    if (!strpbrk(text, ".e")) length += snprintf(text + length, sizeof text - (size_t)length, ".0");
    memcpy(to, text, (size_t)length);
    return (size_t)length;
}

clh_state *open_state_or_null(const clh_limits *limits) {
    static const uint8_t constant[] = {0x81, 0xa1, 'x', 0x92, 0x01, 0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0};
    clh_callbacks callbacks = {.immediate = answer, .fast = answer_fast, .log = ignore_log,
                               .answered = answered, .write_number = write_number};
    clh_state *host = clh_open(limits ? limits : &default_limits, &callbacks, 7);
    if (!host) return NULL;
    the_state = host;
    handed_function = 0;
    int failed = clh_add_class(host, "test.Object", 1) != 0 || clh_add_class(host, "test.Other", 0) != 1
        || clh_add_function(host, "test.make", "", CLH_IMMEDIATE, 0, OP_MAKE) != 0
        || clh_add_function(host, "test.Object:id", "", CLH_IMMEDIATE, 0, OP_SELF) != 0
        || clh_add_function(host, "test.Object:wait", "value", CLH_WAITING, 0, OP_WAIT) != 0
        || clh_add_function(host, "test.Object:each", "value", CLH_PAGES, 0, OP_EACH) != 0
        || clh_add_function(host, "test.Object:with", "value", CLH_BRACKET, 0, OP_WITH) != 0
        || clh_add_fast_function(host, "test.Object:fast", "value", NULL) != 0
        || clh_add_attempted_function(host, "test.Object:load", "key", CLH_LOADING, 0, OP_LOAD, &the_state)
            != 0
        || clh_add_function(host, "test.Other:id", "", CLH_IMMEDIATE, 0, OP_SELF) != 0
        || clh_add_function(host, "test.Absent:id", "", CLH_IMMEDIATE, 0, OP_SELF) == 0
        || clh_add_function(host, "test.echo", "value other", CLH_IMMEDIATE, 0, OP_ECHO) != 0
        || clh_add_function(host, "test.on", "fn", CLH_IMMEDIATE, CLH_TAKES_FUNCTIONS, OP_ON) != 0
        || clh_add_function(host, "test.misuse", "", CLH_IMMEDIATE, 0, OP_MISUSE) != 0
        || clh_add_function(host, "test.wait", "value", CLH_WAITING, 0, OP_WAIT) != 0
        || clh_add_function(host, "test.each", "value", CLH_PAGES, 0, OP_EACH) != 0
        || clh_add_function(host, "test.with", "value", CLH_BRACKET, 0, OP_WITH) != 0
        || clh_add_function(host, "test.config", "", CLH_INDEX, 0, OP_FIELD) != 0
        || clh_add_fast_function(host, "test.fast", "value", NULL) != 0
        || clh_add_json_function(host, "json.encode", "value", CLH_JSON_WRITE, OP_JSON, &the_state) != 0
        || clh_add_json_function(host, "json.decode", "text", CLH_JSON_READ, OP_JSON, &the_state) != 0
        || clh_add_constant(host, "test.constant", constant, sizeof constant) != 0;
    if (!failed) return host;
    clh_close(host);
    return NULL;
}

clh_state *open_state(const clh_limits *limits) {
    clh_state *host = open_state_or_null(limits);
    if (!host) FAIL("no state");
    return host;
}

void close_state(clh_state *host) {
    if (!clh_is_abandoned(host)) {
        lua_close(host->main);
        host->main = NULL;
        if (host->heap != 0) FAIL("%zu bytes of the heap were not returned", host->heap);
    }
    clh_close(host);
}

/* ---- runs ---------------------------------------------------------------------------------------------- */

void finish_run(clh_state *host, uint64_t run, ending *end) {
    clh_result result;
    memset(end, 0, sizeof *end);
    int64_t began = clh_thread_cpu();
    for (;;) {
        int64_t turn = clh_thread_cpu();
        clh_resume(host, run, &result);
        int64_t now = clh_thread_cpu();
        if (now - turn > end->longest_turn) end->longest_turn = now - turn;
        end->cpu = now - began;
        end->turns++;
        if (result.outcome == CLH_CALL) {
            end->calls++;
            answer_waiting(host, &result);
        } else if (result.outcome != CLH_SLICE) {
            break;
        }
    }
    clh_statistics statistics;
    clh_read_statistics(host, &statistics);
    if (end->calls > 0) end->cpu = statistics.cpu; /* without what the calls cost here */
    end->outcome = result.outcome;
    end->error = result.error;
    end->kill = result.kill;
    if (result.message) memcpy(end->message, result.message, result.message_length);
}

void run_source(clh_state *host, const char *source, int64_t cpu_max, ending *end) {
    memset(end, 0, sizeof *end);
    end->outcome = CLH_NO_RUN;
    if (clh_add_source(host, "main.lua", (const uint8_t *)source, strlen(source)) != 0) return;
    uint64_t run = clh_begin_load(host, "main.lua", cpu_max);
    if (run) finish_run(host, run, end);
}
