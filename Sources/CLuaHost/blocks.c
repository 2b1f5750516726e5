/* Memory for one state's Lua heap: small blocks from pages of one size each, in regions that belong to the
 * state alone; larger blocks from malloc, in a list. So a state can be closed without asking Lua, which would
 * visit every object, and even when Lua was left in the middle of something.
 *
 * A small block's address is 8 above a multiple of 16 and a larger one's is a multiple of 16, so that each is
 * known by its address. Lua itself asks for no more than multiples of 8 (llimits.h, LUAI_MAXALIGN). */
#include "host.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PAGE 4096
#define REGION_MIN (64 << 10)
#define REGION_MAX (1 << 20)
#define STEP 16

/* Not under the address sanitizer, which then sees every block. */
#if defined(__SANITIZE_ADDRESS__)
#define SMALL_MAX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SMALL_MAX 0
#endif
#endif
#ifndef SMALL_MAX
#define SMALL_MAX (CLH_BLOCK_KINDS * STEP)
#endif

/* At the beginning of every page in use. */
typedef struct clh_page {
    struct clh_page *next, *previous; /* among those of its kind that have room */
    void *freed;                      /* blocks that were given back, linked through their first word */
    uint16_t kind, used, carved, capacity;
} clh_page;

typedef struct clh_region {
    struct clh_region *next;
    size_t size;
} clh_region;

typedef struct clh_large {
    struct clh_large *next, *previous;
} clh_large;

#define FIRST (sizeof(clh_page) + 8)

static inline clh_page *page_of(void *block) {
    return (clh_page *)((uintptr_t)block & ~(uintptr_t)(PAGE - 1));
}
static inline int is_small(const void *block) { return ((uintptr_t)block & 8) != 0; }

static int add_region(clh_blocks *blocks) {
    size_t size = blocks->regions ? blocks->regions->size * 2 : REGION_MIN;
    if (size > REGION_MAX) size = REGION_MAX;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -1;
    clh_region *region = memory;
    region->size = size;
    region->next = blocks->regions;
    blocks->regions = region;
    blocks->fresh = (char *)memory + PAGE;
    blocks->fresh_end = (char *)memory + size;
    return 0;
}

static void link_page(clh_blocks *blocks, clh_page *page) {
    clh_page *head = blocks->open[page->kind];
    page->previous = NULL;
    page->next = head;
    if (head) head->previous = page;
    blocks->open[page->kind] = page;
}

static void unlink_page(clh_blocks *blocks, clh_page *page) {
    if (page->previous) page->previous->next = page->next;
    else blocks->open[page->kind] = page->next;
    if (page->next) page->next->previous = page->previous;
}

static __attribute__((noinline)) clh_page *take_page(clh_blocks *blocks, unsigned kind) {
    if (blocks->held + PAGE > blocks->held_max) return NULL;
    clh_page *page = blocks->empty;
    if (page) {
        blocks->empty = page->next;
    } else {
        if (blocks->fresh == blocks->fresh_end && add_region(blocks) != 0) return NULL;
        page = (clh_page *)blocks->fresh;
        blocks->fresh += PAGE;
    }
    blocks->held += PAGE;
    page->freed = NULL;
    page->kind = (uint16_t)kind;
    page->used = page->carved = 0;
    page->capacity = (uint16_t)((PAGE - FIRST) / ((kind + 1) * STEP));
    link_page(blocks, page);
    return page;
}

static inline void *take_small(clh_blocks *blocks, size_t size) {
    unsigned kind = (unsigned)((size - 1) / STEP);
    clh_page *page = blocks->open[kind];
    if (__builtin_expect(!page, 0) && !(page = take_page(blocks, kind))) return NULL;
    void *block = page->freed;
    if (block) page->freed = *(void **)block;
    else block = (char *)page + FIRST + (size_t)page->carved++ * (kind + 1) * STEP;
    if (++page->used == page->capacity) unlink_page(blocks, page);
    return block;
}

static inline void give_small(clh_blocks *blocks, void *block) {
    clh_page *page = page_of(block);
    *(void **)block = page->freed;
    page->freed = block;
    if (page->used-- == page->capacity) link_page(blocks, page);
    /* The last page of a kind stays, lest a block that comes and goes make a page come and go. */
    if (page->used == 0 && (page->next || page->previous)) {
        unlink_page(blocks, page);
        page->next = blocks->empty;
        blocks->empty = page;
        blocks->held -= PAGE;
    }
}

static void link_large(clh_blocks *blocks, clh_large *large) {
    large->previous = NULL;
    large->next = blocks->large;
    if (large->next) large->next->previous = large;
    blocks->large = large;
}

static void unlink_large(clh_blocks *blocks, clh_large *large) {
    if (large->previous) large->previous->next = large->next;
    else blocks->large = large->next;
    if (large->next) large->next->previous = large->previous;
}

static __attribute__((noinline)) void *resize_large(clh_state *host, void *block, size_t old_size,
                                                    size_t new_size) {
    clh_blocks *blocks = &host->blocks;
    if (new_size > old_size && blocks->held + (new_size - old_size) > blocks->held_max) return NULL;
    clh_large *large = block ? (clh_large *)block - 1 : NULL;
    int could_leave = clh_stay(host);
    if (large) unlink_large(blocks, large);
    clh_large *moved = realloc(large, new_size + sizeof *moved);
    if (moved || large) link_large(blocks, moved ? moved : large);
    clh_may_leave(host, could_leave);
    if (!moved) return NULL;
    blocks->held = blocks->held - old_size + new_size;
    return moved + 1;
}

static __attribute__((noinline)) void give_large(clh_state *host, void *block, size_t size) {
    clh_large *large = (clh_large *)block - 1;
    int could_leave = clh_stay(host);
    unlink_large(&host->blocks, large);
    free(large);
    clh_may_leave(host, could_leave);
    host->blocks.held -= size;
}

void clh_blocks_open(clh_blocks *blocks, size_t size_max) {
    /* Pages that are partly used count as a whole. */
    size_t room = size_max / 4 + REGION_MAX;
    blocks->held_max = size_max <= SIZE_MAX - room ? size_max + room : SIZE_MAX;
}

static inline void give(clh_state *host, void *block, size_t size) {
    if (is_small(block)) give_small(&host->blocks, block);
    else give_large(host, block, size);
}

/* NULL without memory; `block`, which is not NULL, is then as it was. */
static __attribute__((noinline)) void *resize(clh_state *host, void *block, size_t old_size,
                                              size_t new_size) {
    void *moved;
    if (is_small(block)) {
        size_t capacity = (size_t)(page_of(block)->kind + 1) * STEP;
        if (new_size <= capacity && new_size + STEP > capacity) return block;
    } else if (new_size > SMALL_MAX) {
        return resize_large(host, block, old_size, new_size);
    }
    if (new_size <= SMALL_MAX) moved = take_small(&host->blocks, new_size);
    else moved = resize_large(host, NULL, 0, new_size);
    if (moved) {
        memcpy(moved, block, old_size < new_size ? old_size : new_size);
        give(host, block, old_size);
    }
    return moved;
}

void clh_blocks_close(clh_blocks *blocks) {
    for (clh_large *large = blocks->large, *next; large; large = next) {
        next = large->next;
        free(large);
    }
    for (clh_region *region = blocks->regions, *next; region; region = next) {
        next = region->next;
        munmap(region, region->size);
    }
    memset(blocks, 0, sizeof *blocks);
}

/* ---- lua_Alloc, with a total and a single-block limit -------------------------------------------------- */

static __attribute__((noinline)) void *refuse(clh_state *host, size_t limit) {
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
    if (new_size == 0) {
        if (!block) return NULL;
        give(host, block, old_size);
        host->heap -= old_size;
        return NULL;
    }
    if (!block) old_size = 0; /* then it is the kind of object */
    if (new_size > old_size) {
        if (new_size > host->limits.block_max) return refuse(host, host->limits.block_max);
        size_t left = host->limits.heap_max - host->heap;
        if (new_size - old_size > left) return refuse(host, host->limits.heap_max);
    }
    void *moved;
    if (block) moved = resize(host, block, old_size, new_size);
    else if (new_size <= SMALL_MAX) moved = take_small(&host->blocks, new_size);
    else moved = resize_large(host, NULL, 0, new_size);
    if (!moved) {
        if (new_size > old_size) return refuse(host, host->limits.heap_max);
        moved = block;
    }
    host->heap = host->heap - old_size + new_size;
    if (host->heap > host->heap_peak) host->heap_peak = host->heap;
    return moved;
}
