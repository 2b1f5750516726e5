/* Host calls: arguments out, answer in. The host's frame is gone before anything is raised or pushed. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

/* Raises a text at the nearest Lua caller's line. */
int clh_raise(lua_State *L, const char *text, size_t length) {
    char position[CLH_POSITION_MAX];
    clh_position(L, position);
    if (length > CLH_TEXT_MAX) length = CLH_TEXT_MAX;
    if (position[0]) lua_pushfstring(L, "%s: ", position);
    else lua_pushliteral(L, "");
    lua_pushlstring(L, text, length);
    lua_concat(L, 2);
    return lua_error(L);
}

/* nil, {code=, message=} */
int clh_push_outcome(clh_state *host, lua_State *L) {
    lua_pushnil(L);
    lua_createtable(L, 0, 2);
    int count = clh_decode_list(L, host->reply.data, host->reply.length);
    if (count != 2) return luaL_error(L, "malformed answer");
    lua_setfield(L, -3, "message");
    lua_setfield(L, -2, "code");
    return 2;
}

int clh_push_reply(clh_state *host, lua_State *L) {
    if (!host->replied) return luaL_error(L, "the host gave no answer");
    host->replied = 0;
    switch (host->reply_status) {
    case CLH_VALUES: return clh_decode_list(L, host->reply.data, host->reply.length);
    case CLH_OUTCOME: return clh_push_outcome(host, L);
    default: return clh_raise(L, (const char *)host->reply.data, host->reply.length);
    }
}

int clh_reply(clh_state *host, clh_status status, const uint8_t *bytes, size_t length) {
    host->reply_status = status;
    host->replied = clh_buffer_set(&host->reply, bytes, length) == 0;
    return host->replied ? 0 : -1;
}

uint8_t *clh_reply_space(clh_state *host, size_t *size) {
    host->reply.length = 0;
    *size = clh_buffer_reserve(&host->reply, 4096) == 0 ? host->reply.capacity : 0;
    return host->reply.data;
}

int64_t clh_self(const clh_state *host) { return host->self; }

void clh_reply_written(clh_state *host, size_t length) {
    host->reply.length = length <= host->reply.capacity ? length : 0;
    host->reply_status = CLH_VALUES;
    host->replied = 1;
}

static const clh_op *op_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

/* The caller's position, which costs more than the rest of a small call, for who wants it. */
static void note_position(clh_state *host, lua_State *L, const clh_op *op) {
    if (op->options & CLH_WANTS_POSITION) clh_position(L, host->position);
    else host->position[0] = 0;
}

/* Hands the encoded arguments to the host, which replies before it returns. */
static void ask(clh_state *host, lua_State *L, const clh_op *op) {
    note_position(host, L, op);
    host->replied = 0;
    int could_leave = clh_stay(host);
    host->callbacks.immediate(host->callbacks.owner, op->index, host->arguments.data, host->arguments.length,
                              host->position);
    clh_may_leave(host, could_leave);
}

void clh_log(clh_state *host, clh_log_source source, const char *text, size_t length, const char *position) {
    int could_leave = clh_stay(host);
    host->callbacks.log(host->callbacks.owner, source, text, length, position);
    clh_may_leave(host, could_leave);
}

static int call_immediate(lua_State *L) {
    const clh_op *op = op_of(L);
    clh_state *host = op->host;
    host->host_calls++;
    clh_take_receiver(host, L, op);
    clh_encode(host, L, op, 1, lua_gettop(L));
    ask(host, L, op);
    if (host->reply_status == CLH_MISUSE) clh_forget_new_functions(host, L);
    return clh_push_reply(host, L);
}

/* __index of a module: upvalues are its fields and the op. */
int clh_index_field(lua_State *L) {
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(2));
    clh_state *host = op->host;
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL || lua_type(L, 2) != LUA_TSTRING) return 1;
    int results = op->function ? clh_attempt_field(L, op, 2) : 0;
    if (results > 0) return results;
    host->host_calls++;
    clh_encode(host, L, op, 2, 1);
    ask(host, L, op);
    return clh_push_reply(host, L);
}

void clh_require_yieldable(clh_state *host, lua_State *L, const clh_op *op) {
    if (clh_can_yield(host, L)) return;
    char text[300];
    int length = snprintf(text, sizeof text,
                          "'%.100s' waits and cannot be called here: inside a metamethod that a function of "
                          "a library runs, such as __index in table.concat, or a coroutine.close",
                          op->path);
    clh_raise(L, text, (size_t)length);
}

/* The call's fields in host->call beside these are the caller's to fill. */
int clh_wait(clh_state *host, lua_State *L, const clh_op *op, clh_phase phase, lua_KContext context,
             lua_KFunction k) {
    host->call.outcome = CLH_CALL;
    host->call.op = op->index;
    host->call.phase = phase;
    host->call.self = host->self;
    note_position(host, L, op);
    host->call.position = host->position;
    host->control = CLH_CONTROL_CALL;
    host->replied = 0;
    return lua_yieldk(L, 0, context, k);
}

static int answered(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    return clh_push_reply(clh_host(L), L);
}

void clh_take_arguments(clh_state *host, lua_State *L, const clh_op *op, int count) {
    clh_require_yieldable(host, L, op);
    host->host_calls++;
    clh_encode(host, L, op, 1, count);
    host->call.bytes = host->arguments.data;
    host->call.length = host->arguments.length;
    host->call.extra_length = 0;
}

static int call_waiting(lua_State *L) {
    const clh_op *op = op_of(L);
    clh_state *host = op->host;
    clh_take_receiver(host, L, op);
    clh_take_arguments(host, L, op, lua_gettop(L));
    return clh_wait(host, L, op, CLH_PHASE_CALL, 0, answered);
}

lua_CFunction clh_call_function(clh_kind kind) {
    switch (kind) {
    case CLH_FAST: return clh_call_fast;
    case CLH_WAITING: return call_waiting;
    case CLH_PAGES: return clh_pages;
    case CLH_BRACKET: return clh_bracket;
    case CLH_LOADING: return clh_load;
    default: return call_immediate;
    }
}
