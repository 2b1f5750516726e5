/* JSON in and out of plain Lua values, as the host's own writer and reader have it.
 *
 * Both give up, and leave the call to the host, wherever something is wrong, larger than a value may be, or
 * so unusual that it is not worth a second implementation: the host says what is wrong. So what is done here
 * is done as the host would do it, which the tests compare. */
#ifndef PERIGEE_CLUAHOST_JSON_H
#define PERIGEE_CLUAHOST_JSON_H
#include "../host.h"

#define CLH_JSON_DEPTH_MAX 64 /* as in the host's */

static inline int clh_json_depth_max(const clh_state *host) {
    return host->limits.depth_max < CLH_JSON_DEPTH_MAX ? host->limits.depth_max : CLH_JSON_DEPTH_MAX;
}

/* What the call gives: of one that was answered here, its result on top; else the host's. */
static inline int clh_json_answer(lua_State *L, const clh_op *op, int is_answered, int argument_count) {
    clh_state *host = op->host;
    if (!is_answered) {
        lua_settop(L, argument_count);
        return clh_call_function(CLH_IMMEDIATE)(L);
    }
    host->host_calls++;
    int could_leave = clh_stay(host);
    host->callbacks.answered(op->function);
    clh_may_leave(host, could_leave);
    return 1;
}
#endif
