/* The second wall: leaving Lua without its consent.
 *
 * Some work happens inside one C function that reaches no hook: the collector's last phase over weak tables
 * that name each other, for one, takes quadratic time (lgc.c, convergeephemerons). When a run is far over its
 * budget and still has not ended, the signal's handler jumps out of the turn. The Lua state is then in an
 * unknown condition: nothing of it runs any more, and its memory is given back as a whole (blocks.c).
 *
 * The handler jumps only when the interrupted instruction belongs to Lua or to this library, so never out of
 * the C library, which may hold a lock; and not while the host or an allocation is under way (clh_stay). */
#define _GNU_SOURCE
#include "host.h"

#include <link.h>
#include <signal.h>
#include <ucontext.h>

#define GRACE 150000000L /* ns of CPU beyond the budget */

typedef struct range {
    uintptr_t first, end;
} range;

static range of_lua, of_this;

/* Finds the code that the two functions lie in: one program, or a shared library each. */
static int note(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
        range code = {info->dlpi_addr + part->p_vaddr, info->dlpi_addr + part->p_vaddr + part->p_memsz};
        uintptr_t lua = (uintptr_t)lua_resume, this = (uintptr_t)clh_resume;
        if (lua >= code.first && lua < code.end) of_lua = code;
        if (this >= code.first && this < code.end) of_this = code;
    }
    return 0;
}

void clh_leave_prepare(void) { dl_iterate_phdr(note, NULL); }

static int contains(const range *code, uintptr_t place) { return place >= code->first && place < code->end; }

static uintptr_t interrupted_at(const void *context) {
    const ucontext_t *at = context;
#if defined(__x86_64__)
    return (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)at->uc_mcontext.pc;
#else
    (void)at;
    return 0;
#endif
}

void clh_leave_if_overdue(clh_state *host, const void *context) {
    if (!host->can_leave || !host->running) return;
    uintptr_t place = interrupted_at(context);
    if (!contains(&of_lua, place) && !contains(&of_this, place)) return;
    int64_t used = host->running->cpu + clh_thread_cpu() - host->turn_cpu;
    if (used - GRACE <= host->running->cpu_max) return;
    host->can_leave = 0;
    /* As if the handler had returned, which would have let the next signal in. */
    pthread_sigmask(SIG_SETMASK, &((const ucontext_t *)context)->uc_sigmask, NULL);
    siglongjmp(host->way_out, 1);
}
