/* The watchdog: one thread that looks at the deadlines of Lua threads while any runs, and signals those
 * that are over.
 *
 * The signal's handler runs on the Lua thread itself and sets the hook there, as the stock `lua` program
 * does on an interrupt; lua_sethook must not be called from another thread. */
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#define TICK 2000000L      /* ns between looks */
#define IDLE_TICKS 50      /* looks without a deadline before the watchdog sleeps */
#define CPU_FRESH 1000000L /* ns that a reading of the CPU clock stands for the present one */
#define SHORT_JOB 200000L  /* ns of wall time below which it counts: the CPU clock is a system call */

typedef struct lua_thread {
    pthread_t handle;
    clh_watchdog *watchdog;
    _Atomic int64_t deadline; /* 0: runs no Lua code */
    _Atomic int signalled;    /* and not done with it: setting a hook takes long where calls are deep */
    clh_state *volatile running;
    int64_t cpu, cpu_read_at;
    struct lua_thread *next;
} lua_thread;

struct clh_watchdog {
    pthread_t handle;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    lua_thread *threads;
    _Atomic int asleep;
    int stopping;
};

/* Read in a signal handler, so the fixed model that needs no allocation. */
static _Thread_local lua_thread *this_thread __attribute__((tls_model("initial-exec")));

static int signal_number(void) { return SIGRTMIN + 4; }

static int64_t read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clh_now(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t clh_thread_cpu(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    lua_thread *thread = this_thread;
    clh_state *host = thread ? thread->running : NULL;
    if (host) clh_arm(host);
    if (thread) atomic_store(&thread->signalled, 0);
    if (host) clh_leave_if_overdue(host, context);
}

static void install_handler(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_RESTART | SA_SIGINFO; /* one at a time: they may come faster than they are handled */
    sigaction(signal_number(), &action, NULL);
    clh_leave_prepare();
}

/* Signals every thread whose deadline has passed, again at each look until it sets a new one: a hook can
 * get lost when the signal meets the beginning of a Lua function. Gives whether any thread runs Lua code. */
static int look(clh_watchdog *watchdog) {
    int64_t now = clh_now();
    int active = 0;
    for (lua_thread *thread = watchdog->threads; thread; thread = thread->next) {
        int64_t deadline = atomic_load(&thread->deadline);
        if (deadline == 0) continue;
        active = 1;
        if (now < deadline || atomic_exchange(&thread->signalled, 1)) continue;
        if (pthread_kill(thread->handle, signal_number()) != 0) atomic_store(&thread->signalled, 0);
    }
    return active;
}

static void *watch(void *argument) {
    clh_watchdog *watchdog = argument;
    int idle = 0;
    pthread_mutex_lock(&watchdog->mutex);
    while (!watchdog->stopping) {
        idle = look(watchdog) ? 0 : idle + 1;
        if (idle > IDLE_TICKS) {
            atomic_store(&watchdog->asleep, 1);
            if (!look(watchdog)) pthread_cond_wait(&watchdog->wake, &watchdog->mutex);
            atomic_store(&watchdog->asleep, 0);
            idle = 0;
            continue;
        }
        int64_t until = clh_now() + TICK;
        struct timespec time = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
        pthread_cond_timedwait(&watchdog->wake, &watchdog->mutex, &time);
    }
    pthread_mutex_unlock(&watchdog->mutex);
    return NULL;
}

clh_watchdog *clh_watchdog_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_handler);
    clh_watchdog *watchdog = calloc(1, sizeof *watchdog);
    if (!watchdog) return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watchdog->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&watchdog->mutex, NULL);
    sigset_t all, before;
    sigfillset(&all); /* process signals are the host's business, not this thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&watchdog->handle, NULL, watch, watchdog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        pthread_mutex_destroy(&watchdog->mutex);
        pthread_cond_destroy(&watchdog->wake);
        free(watchdog);
        return NULL;
    }
    return watchdog;
}

void clh_watchdog_stop(clh_watchdog *watchdog) {
    if (!watchdog) return;
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->stopping = 1;
    pthread_cond_signal(&watchdog->wake);
    pthread_mutex_unlock(&watchdog->mutex);
    pthread_join(watchdog->handle, NULL);
    pthread_mutex_destroy(&watchdog->mutex);
    pthread_cond_destroy(&watchdog->wake);
    free(watchdog);
}

int clh_thread_enter(clh_watchdog *watchdog) {
    lua_thread *thread = calloc(1, sizeof *thread);
    if (!thread) return -1;
    thread->handle = pthread_self();
    thread->watchdog = watchdog;
    this_thread = thread;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number());
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    pthread_mutex_lock(&watchdog->mutex);
    thread->next = watchdog->threads;
    watchdog->threads = thread;
    pthread_mutex_unlock(&watchdog->mutex);
    return 0;
}

void clh_thread_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

void clh_thread_leave(void) {
    lua_thread *thread = this_thread;
    if (!thread) return;
    pthread_mutex_lock(&thread->watchdog->mutex);
    for (lua_thread **link = &thread->watchdog->threads; *link; link = &(*link)->next) {
        if (*link != thread) continue;
        *link = thread->next;
        break;
    }
    pthread_mutex_unlock(&thread->watchdog->mutex);
    this_thread = NULL;
    free(thread);
}

int clh_watch(clh_state *host, int64_t deadline) {
    lua_thread *thread = this_thread;
    if (!thread) return 0;
    thread->running = host;
    /* Before the look at `asleep`; the watchdog does it the other way round. */
    atomic_store(&thread->deadline, deadline);
    if (atomic_load(&thread->watchdog->asleep)) {
        int could_leave = clh_stay(host);
        pthread_mutex_lock(&thread->watchdog->mutex);
        pthread_cond_signal(&thread->watchdog->wake);
        pthread_mutex_unlock(&thread->watchdog->mutex);
        clh_may_leave(host, could_leave);
    }
    return 1;
}

void clh_unwatch(void) {
    lua_thread *thread = this_thread;
    if (!thread) return;
    atomic_store_explicit(&thread->deadline, 0, memory_order_release);
    thread->running = NULL;
}

int64_t clh_cpu_before(int64_t now) {
    lua_thread *thread = this_thread;
    if (!thread) return clh_thread_cpu();
    if (now - thread->cpu_read_at > CPU_FRESH) clh_cpu_read(now, clh_thread_cpu());
    return thread->cpu;
}

void clh_cpu_read(int64_t now, int64_t cpu) {
    lua_thread *thread = this_thread;
    if (!thread) return;
    thread->cpu = cpu;
    thread->cpu_read_at = now;
}

void clh_job_begin(clh_job *job) {
    job->wall = clh_now();
    job->cpu = clh_cpu_before(job->wall);
}

int64_t clh_job_end(const clh_job *job) {
    int64_t now = clh_now(), wall = now - job->wall;
    if (wall < SHORT_JOB) return wall;
    int64_t cpu = clh_thread_cpu();
    clh_cpu_read(now, cpu);
    return cpu - job->cpu < wall ? cpu - job->cpu : wall;
}
