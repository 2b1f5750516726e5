/* Opening and closing a state, and what is defined in it. */
#include "host.h"

#include <stdlib.h>
#include <sys/random.h>

static void warned(void *owner, const char *text, int continues) {
    (void)continues;
    clh_state *host = owner;
    size_t length = strlen(text);
    if (length > CLH_TEXT_MAX) length = CLH_TEXT_MAX;
    clh_log(host, CLH_LOG_WARN, text, length, "");
}

clh_state *clh_open(const clh_limits *limits, const clh_callbacks *callbacks, uint32_t generation) {
    clh_state *host = calloc(1, sizeof *host);
    if (!host) return NULL;
    host->limits = *limits;
    host->callbacks = *callbacks;
    host->generation = generation;
    host->fast.state = host;
    host->fast.arguments = host->fast_arguments;
    host->fast.results = host->fast_results;
    host->fast.result_capacity = CLH_FAST_ITEMS;
    host->fast.bytes = host->fast_bytes;
    host->fast.byte_capacity = CLH_FAST_BYTES;
    if (getrandom(host->seed, sizeof host->seed, GRND_NONBLOCK) != sizeof host->seed) {
        host->seed[0] = (uint64_t)clh_now();
    }
    clh_blocks_open(&host->blocks, limits->heap_max);
    host->main = lua_newstate(clh_allocate, host);
    if (!host->main) {
        clh_close(host);
        return NULL;
    }
    *(clh_state **)lua_getextraspace(host->main) = host; /* copied to every thread that is made */
    lua_setwarnf(host->main, warned, host);
    lua_gc(host->main, LUA_GCINC, 300, 0, 0);
    lua_pushcfunction(host->main, clh_build_environment);
    if (lua_pcall(host->main, 0, 0, 0) != LUA_OK) {
        clh_close(host);
        return NULL;
    }
    return host;
}

void clh_close(clh_state *host) {
    if (!host) return;
    /* Not lua_close: there are no finalizers, and what holds no more than memory needs no visit. */
    clh_blocks_close(&host->blocks);
    for (clh_run *run = host->runs, *next; run; run = next) {
        next = run->next;
        free(run->arguments);
        free(run);
    }
    for (clh_op *op = host->ops, *next; op; op = next) {
        next = op->next;
        free(op->path);
        free(op->names);
        free(op);
    }
    for (clh_class *kind = host->classes, *next; kind; kind = next) {
        next = kind->next;
        free(kind->name);
        free(kind);
    }
    for (clh_source *source = host->sources, *next; source; source = next) {
        next = source->next;
        free(source->name);
        free(source->bytes);
        free(source);
    }
    free(host->fast_items);
    free(host->arguments.data);
    free(host->reply.data);
    free(host->names.data);
    free(host);
}

static int protected_call(clh_state *host, lua_CFunction function, void *argument) {
    lua_State *L = host->main;
    lua_settop(L, 0);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, argument);
    int status = lua_pcall(L, 1, 0, 0);
    lua_settop(L, 0);
    return status == LUA_OK ? 0 : -1;
}

/* The class whose method has this path; NULL when it is no method. -1 when the class is not there. */
static int find_receiver(clh_state *host, const char *path, const clh_class **receiver) {
    const char *colon = strchr(path, ':');
    *receiver = NULL;
    if (!colon) return 0;
    size_t length = (size_t)(colon - path);
    for (const clh_class *kind = host->classes; kind; kind = kind->next)
        if (strncmp(kind->name, path, length) == 0 && !kind->name[length]) *receiver = kind;
    return *receiver ? 0 : -1;
}

static int add(clh_state *host, const char *path, const char *names, lua_CFunction call, clh_op values) {
    if (find_receiver(host, path, &values.receiver) != 0) return -1;
    clh_op *made = malloc(sizeof *made);
    if (!made) return -1;
    *made = values;
    made->host = host;
    made->path = strdup(path);
    made->names = strdup(names);
    made->next = host->ops;
    host->ops = made;
    if (!made->path || !made->names) return -1;
    clh_install_request request = {.path = made->path, .op = made, .call = call};
    return protected_call(host, clh_install, &request);
}

int clh_add_class(clh_state *host, const char *name, int has_fields) {
    clh_class *made = calloc(1, sizeof *made);
    if (!made) return -1;
    made->name = strdup(name);
    made->has_fields = has_fields;
    made->number = host->classes ? host->classes->number + 1 : 0;
    made->next = host->classes;
    host->classes = made;
    if (!made->name || protected_call(host, clh_make_class, made) != 0) return -1;
    return made->number;
}

int clh_add_function(clh_state *host, const char *path, const char *names, clh_kind kind,
                     int options, int op) {
    clh_op values = {.kind = kind, .options = options, .index = op};
    return add(host, path, names, clh_call_function(kind), values);
}

int clh_add_fast_function(clh_state *host, const char *path, const char *names, void *function) {
    clh_op values = {.kind = CLH_FAST, .function = function};
    return add(host, path, names, clh_call_fast, values);
}

int clh_add_attempted_function(clh_state *host, const char *path, const char *names, clh_kind kind,
                               int options, int op, void *function) {
    clh_op values = {.kind = kind, .options = options, .index = op, .function = function};
    return add(host, path, names, clh_attempt, values);
}

int clh_add_json_function(clh_state *host, const char *path, const char *names, clh_json_work work, int op,
                          void *function) {
    clh_op values = {.kind = CLH_IMMEDIATE, .index = op, .function = function};
    return add(host, path, names, work == CLH_JSON_WRITE ? clh_write_json : clh_read_json, values);
}

int clh_add_constant(clh_state *host, const char *path, const uint8_t *bytes, size_t length) {
    clh_install_request request = {.path = path, .bytes = bytes, .length = length};
    return protected_call(host, clh_install, &request);
}

void clh_release_function(clh_state *host, int32_t id) {
    lua_State *L = host->main;
    if (host->abandoned) return;
    lua_settop(L, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clh_functions_key);
    if (id > 0 && lua_rawgeti(L, 1, id) == LUA_TFUNCTION) luaL_unref(L, 1, id);
    lua_settop(L, 0);
}

void clh_read_statistics(const clh_state *host, clh_statistics *statistics) {
    statistics->heap = host->heap;
    statistics->heap_peak = host->heap_peak;
    statistics->allocations_refused = host->refused;
    statistics->host_calls = host->host_calls;
    statistics->cpu = host->cpu;
}
