/* The Lua heap's allocator with a total and a single-block limit, and buffers outside that heap. */
#include "host.h"

#include <stdlib.h>

static void *refuse(clh_state *host, size_t limit) {
    host->refused++;
    host->limit_hit = limit;
    if (host->running && ++host->running->refused >= CLH_FAILURES_MAX && !host->kill) {
        host->kill = CLH_KILL_MEMORY;
        clh_arm(host);
    }
    return NULL;
}

/* lua_Alloc. Lua relies on that shrinking never fails ("Lua 5.4 Reference Manual", lua_Alloc); on NULL for
 * growth it collects all garbage, asks once more, and then raises. */
void *clh_allocate(void *state, void *block, size_t old_size, size_t new_size) {
    clh_state *host = state;
    if (!block) old_size = 0; /* then it is the kind of object */
    if (new_size == 0) {
        clh_blocks_give(host, block, old_size);
        host->heap -= old_size;
        return NULL;
    }
    if (new_size > old_size) {
        if (new_size > host->limits.block_max) return refuse(host, host->limits.block_max);
        size_t left = host->limits.heap_max - host->heap;
        if (new_size - old_size > left) return refuse(host, host->limits.heap_max);
    }
    void *moved = clh_blocks_resize(host, block, old_size, new_size);
    if (!moved) {
        if (new_size > old_size) return refuse(host, host->limits.heap_max);
        moved = block;
    }
    host->heap = host->heap - old_size + new_size;
    if (host->heap > host->heap_peak) host->heap_peak = host->heap;
    return moved;
}

int clh_buffer_reserve(clh_buffer *buffer, size_t more) {
    if (more <= buffer->capacity - buffer->length) return 0;
    if (more > SIZE_MAX / 4 - buffer->length) return -1;
    size_t capacity = buffer->capacity ? buffer->capacity * 2 : 512;
    if (capacity < buffer->length + more) capacity = buffer->length + more;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data) return -1;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int clh_buffer_set(clh_buffer *buffer, const uint8_t *bytes, size_t length) {
    buffer->length = 0;
    if (clh_buffer_reserve(buffer, length + 1) != 0) return -1;
    if (length) memcpy(buffer->data, bytes, length);
    buffer->length = length;
    return 0;
}
