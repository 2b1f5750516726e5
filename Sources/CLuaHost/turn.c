/* One turn of a run: its clock, the hook that ends it, and how a run ends. */
#include "host.h"

/* CPU used by the turn so far, never more than its wall time. */
static int64_t turn_used(clh_state *host) {
    clh_job turn = {host->turn_wall, host->turn_cpu};
    return clh_job_end(&turn);
}

/* The end of the slice, or of what is left of the run's budget. */
static void set_deadline(clh_state *host, int64_t now, int64_t used) {
    int64_t left = host->running->cpu_max - host->running->cpu - used;
    int64_t slice = host->limits.slice;
    if (left < 0) left = 0;
    host->slice_end = now + (left < slice ? left : slice);
    host->is_held = 0;
    clh_watch(host, host->slice_end);
}

static void tell_held(clh_state *host) {
    int could_leave = clh_stay(host);
    if (host->callbacks.held) host->callbacks.held(host->callbacks.owner);
    clh_may_leave(host, could_leave);
}

/* The run goes on where it cannot give way; the host may keep it waiting. */
static void hold(clh_state *host, int64_t used) {
    clh_watch(host, 0);
    tell_held(host);
    set_deadline(host, clh_now(), used);
}

static void hook(lua_State *L, lua_Debug *record) {
    (void)record;
    clh_state *host = clh_host(L);
    if (!host->kill) {
        lua_sethook(L, NULL, 0, 0);
        if (!host->expired) return; /* left over from an earlier turn */
        host->expired = 0;
        int64_t used = turn_used(host), now = clh_now();
        if (host->running->cpu + used >= host->running->cpu_max) {
            host->kill = CLH_KILL_TIMEOUT;
            clh_arm(host);
        } else if (now < host->slice_end) {
            return;
        } else if (clh_can_yield(host, L)) {
            host->control = CLH_CONTROL_SLICE;
            lua_yield(L, 0);
            return;
        } else {
            hold(host, used);
            return;
        }
    }
    /* Killed. A yield is better than an error: it runs no handler and no closing method. Where that cannot
     * be, the error comes again at every instruction, whoever catches it. */
    if (clh_can_yield(host, L)) {
        host->control = CLH_CONTROL_KILL;
        lua_yield(L, 0);
        return;
    }
    lua_pushlightuserdata(L, host);
    lua_error(L);
}

void clh_arm(clh_state *host) {
    host->expired = 1;
    lua_State *L = host->current;
    if (L) lua_sethook(L, hook, LUA_MASKCOUNT, 1);
}

/* Notes which coroutine executes from here on. A signal before this line armed the one before; so look
 * again. */
void clh_enter_coroutine(clh_state *host, lua_State *L) {
    host->current = L;
    atomic_signal_fence(memory_order_seq_cst);
    if (host->expired || host->kill) lua_sethook(L, hook, LUA_MASKCOUNT, 1);
}

static int dead(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    return luaL_error(L, "a run that was ended cannot go on");
}

int clh_die(lua_State *L) {
    clh_state *host = clh_host(L);
    if (clh_can_yield(host, L)) {
        host->control = CLH_CONTROL_KILL;
        return lua_yieldk(L, 0, 0, dead);
    }
    lua_pushlightuserdata(L, host);
    return lua_error(L);
}

/* Whether the budget is used up. */
static int is_over(clh_state *host, int64_t used) {
    if (host->running->cpu + used < host->running->cpu_max) return 0;
    host->kill = CLH_KILL_TIMEOUT;
    clh_arm(host);
    return 1;
}

int clh_poll(clh_state *host, lua_State *L) {
    if (!host->kill) {
        if (!host->expired) return 0;
        int64_t used = turn_used(host), now = clh_now();
        if (!is_over(host, used)) {
            if (now < host->slice_end) return 0;
            if (clh_can_yield(host, L)) return 1;
            host->expired = 0;
            hold(host, used);
            return 0;
        }
    }
    return clh_die(L);
}

void clh_check_budget(clh_state *host, lua_State *L) {
    if (host->kill) clh_die(L);
    if (!host->expired) return;
    int64_t used = turn_used(host);
    if (is_over(host, used)) clh_die(L);
    /* The run gives way at the next instruction; until then others need not wait for its thread. */
    if (!host->is_held && clh_now() >= host->slice_end) {
        host->is_held = 1;
        tell_held(host);
    }
}

int clh_pause(lua_State *L, lua_KContext context, lua_KFunction k) {
    clh_host(L)->control = CLH_CONTROL_SLICE;
    return lua_yieldk(L, 0, context, k);
}

int clh_stack_is_deep(clh_state *host) {
    intptr_t depth = (intptr_t)host->stack_top - (intptr_t)__builtin_frame_address(0);
    return host->stack_top && (depth > CLH_STACK_MAX || depth < -CLH_STACK_MAX);
}

void clh_turn_begin(clh_state *host) {
    host->expired = 0;
    host->control = CLH_CONTROL_NONE;
    host->kill = CLH_ALIVE;
    host->blocked = 0;
    host->turn_wall = clh_now();
    host->turn_cpu = clh_cpu_before(host->turn_wall);
    clh_enter_coroutine(host, host->running->thread);
    set_deadline(host, host->turn_wall, 0);
    is_over(host, 0); /* many short turns, none of which lasts until the watchdog looks */
}

void clh_turn_end(clh_state *host) {
    clh_unwatch();
    host->current = NULL;
    int64_t used = turn_used(host);
    host->running->cpu += used;
    host->cpu += used;
    host->stack_top = NULL;
    clh_buffer_trim(&host->names, CLH_NAMES_KEPT);
}
