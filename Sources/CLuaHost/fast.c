/* Calls of fast host functions: scalars in, scalars out, through one record of the state. The host's frame
 * is gone before anything is raised or pushed. */
#include "host.h"

#include <math.h>
#include <stdio.h>

#define LIKELY(condition) __builtin_expect(!!(condition), 1)

static int too_many(lua_State *L) {
    return luaL_error(L, "too many values (%d at most)", CLH_FAST_VALUES);
}

/* The misuse, or results that did not fit. */
static __attribute__((noinline)) int problem(lua_State *L, const clh_op *op, const clh_fast_call *call) {
    if (call->is_misuse && !call->is_overflown) {
        return clh_raise(L, (const char *)call->bytes, call->byte_count);
    }
    char text[300];
    int length = snprintf(text, sizeof text, "%.200s: the results do not fit", op->path);
    return clh_raise(L, text, (size_t)length);
}

/* Any argument but an integer. */
static __attribute__((noinline)) void take(lua_State *L, const clh_op *op, int argument, clh_scalar *to) {
    int index = argument + 1;
    switch (lua_type(L, index)) {
    case LUA_TNIL: to->type = CLH_NIL; break;
    case LUA_TBOOLEAN:
        to->type = CLH_BOOLEAN;
        to->boolean = lua_toboolean(L, index);
        break;
    case LUA_TNUMBER:
        to->type = CLH_FLOAT;
        to->number = lua_tonumber(L, index);
        if (!isfinite(to->number)) {
            clh_refuse_argument(L, op, argument, "a number that is not finite cannot be passed");
        }
        break;
    case LUA_TSTRING:
        to->type = CLH_TEXT;
        to->text = (const uint8_t *)lua_tolstring(L, index, &to->length);
        if (to->length > op->host->limits.value_max) {
            clh_refuse_argument(L, op, argument, "a string this long cannot be passed");
        }
        break;
    default: clh_refuse_argument(L, op, argument, "only a number, string, boolean or nil can be passed");
    }
}

static void push(lua_State *L, const clh_scalar *result) {
    switch (result->type) {
    case CLH_BOOLEAN: lua_pushboolean(L, result->boolean); break;
    case CLH_INTEGER: lua_pushinteger(L, result->integer); break;
    case CLH_FLOAT: lua_pushnumber(L, result->number); break;
    case CLH_TEXT: lua_pushlstring(L, (const char *)result->text, result->length); break;
    default: lua_pushnil(L);
    }
}

int clh_call_fast(lua_State *L) {
    const clh_op *op = lua_touserdata(L, lua_upvalueindex(1));
    clh_state *host = op->host;
    clh_fast_call *call = &host->fast;
    int count = lua_gettop(L);
    host->host_calls++;
    if (!LIKELY(count <= CLH_FAST_VALUES)) return too_many(L);
    for (int argument = 0; argument < count; argument++) {
        clh_scalar *to = &host->fast_arguments[argument];
        if (LIKELY(lua_isinteger(L, argument + 1))) {
            to->type = CLH_INTEGER;
            to->integer = lua_tointegerx(L, argument + 1, NULL);
        } else {
            take(L, op, argument, to);
        }
    }
    call->argument_count = count;
    call->result_count = 0;
    call->is_misuse = call->is_overflown = 0;
    call->byte_count = 0;
    host->callbacks.fast(op->function, call);
    if (!LIKELY(!call->is_misuse && !call->is_overflown)) return problem(L, op, call);
    count = call->result_count;
    for (int result = 0; result < count; result++) push(L, &host->fast_results[result]);
    return count;
}
