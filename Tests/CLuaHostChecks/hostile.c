/* Hostile plugins: each must end as it says, soon after its budget, and give all memory back.
 * Usage: hostile [name] */
#include "checks.h"

#include <stdlib.h>

#define BUDGET (100 * MILLISECOND)
#ifdef CHECKS_SANITIZED
#define GRACE (1000 * MILLISECOND)
#else
#define GRACE (300 * MILLISECOND) /* of CPU time: the promised 250 ms, and 50 ms for a machine that is busy */
#endif

/* What runs: ends of a run as a bit set. */
enum { KILLED = 1, MEMORY = 2, RAISED = 4, DONE = 8, LEFT = 16 }; /* LEFT: without Lua's consent */

typedef struct attack {
    const char *name;
    int expected;
    const char *message; /* part of the error's text; or NULL */
    const char *source;
} attack;

#define SPIN "local function spin() while true do end end "
#define PSPIN "local function spin() while true do pcall(function() while true do end end) end end "

/* Tables whose border is found to be 2^62, and 2^30, though they hold few elements. */
#define POWERS(a, b, c, d) a "] = 1, [1 << " b "] = 1, [1 << " c "] = 1, [1 << " d "] = 1, [1 << "
#define NEAR_BORDER \
    "local t = {1, 2, 3, 4, [5] = 5, [1 << " POWERS("3", "4", "5", "6") POWERS("7", "8", "9", "10") \
        POWERS("11", "12", "13", "14") POWERS("15", "16", "17", "18") POWERS("19", "20", "21", "22") \
            POWERS("23", "24", "25", "26") POWERS("27", "28", "29", "30") "63] = 1} "
#define FAR_BORDER \
    "local t = {1, 2, 3, 4, [5] = 5, [1 << " POWERS("3", "4", "5", "6") POWERS("7", "8", "9", "10") \
        POWERS("11", "12", "13", "14") POWERS("15", "16", "17", "18") POWERS("19", "20", "21", "22") \
            POWERS("23", "24", "25", "26") POWERS("27", "28", "29", "30") POWERS("31", "32", "33", "34") \
                POWERS("35", "36", "37", "38") POWERS("39", "40", "41", "42") POWERS("43", "44", "45", "46") \
                    POWERS("47", "48", "49", "50") POWERS("51", "52", "53", "54") \
                        POWERS("55", "56", "57", "58") POWERS("59", "60", "61", "62") "63] = 1} "

/* 130 names that begin with `p`. */
#define TEN(p) p "0, " p "1, " p "2, " p "3, " p "4, " p "5, " p "6, " p "7, " p "8, " p "9, "
#define FIFTY(p) TEN(p "0") TEN(p "1") TEN(p "2") TEN(p "3") TEN(p "4")
#define NAMES(first, p) first FIFTY(p "x") FIFTY(p "y") TEN(p "z1") TEN(p "z2") TEN(p "z3")

static const attack attacks[] = {
#include "attacks.inc"
};

static const char *name_of(const ending *end) {
    switch (end->outcome) {
    case CLH_DONE: return "done";
    case CLH_ERROR: return end->error == CLH_ERROR_MEMORY ? "out of memory" : "error";
    case CLH_KILLED: return end->kill == CLH_KILL_MEMORY ? "killed (memory)" : "killed (time)";
    default: return "other";
    }
}

static int bit_of(const clh_state *host, const ending *end) {
    if (clh_is_abandoned(host)) return LEFT;
    if (end->outcome == CLH_DONE) return DONE;
    if (end->outcome == CLH_KILLED) return end->kill == CLH_KILL_MEMORY ? MEMORY : KILLED;
    return end->error == CLH_ERROR_MEMORY ? MEMORY : RAISED;
}

/* "REPEAT head|part|count|middle|part|count|": a source that is too long to be written here. */
static char *expand(const char *form) {
    char head[64] = "", part[2][64] = {"", ""}, middle[64] = "";
    int count[2] = {0, 0};
    const char *at = form + strlen("REPEAT ");
    char *fields[] = {head, part[0], NULL, middle, part[1], NULL};
    for (int field = 0; field < 6 && *at; field++) {
        size_t length = strcspn(at, "|");
        if (fields[field]) memcpy(fields[field], at, length);
        else count[field == 5] = atoi(at);
        at += length + (at[length] == '|');
    }
    size_t size = 200 + (size_t)count[0] * strlen(part[0]) + (size_t)count[1] * strlen(part[1]);
    char *text = malloc(size), *to = text;
    CHECK(text);
    to = stpcpy(to, head);
    for (int i = 0; i < count[0]; i++) to = stpcpy(to, part[0]);
    to = stpcpy(to, middle);
    for (int i = 0; i < count[1]; i++) to = stpcpy(to, part[1]);
    return text;
}

static struct {
    const char *name;
    int64_t late;
} latest;

/* Gives whether it ended as it should. */
static int attempt(const attack *a) {
    ending end;
    clh_state *host = open_state(NULL);
    char *made = strncmp(a->source, "REPEAT ", 7) == 0 ? expand(a->source) : NULL;
    run_source(host, made ? made : a->source, BUDGET, &end);
    free(made);
    int ended = bit_of(host, &end);
    int64_t closing = clh_thread_cpu();
    close_state(host);
    closing = clh_thread_cpu() - closing;
    int64_t late = end.cpu > BUDGET ? end.cpu - BUDGET : 0;
    if (late > latest.late) latest.name = a->name, latest.late = late;
    int right = (ended & a->expected) != 0 && (!a->message || strstr(end.message, a->message) != NULL);
    printf("%-40s %-16s %7.1f ms %7.1f ms late, longest turn %6.1f ms, closed in %5.1f ms%s\n", a->name,
           ended == LEFT ? "left" : name_of(&end), (double)end.cpu / 1e6, (double)late / 1e6, (double)end.longest_turn / 1e6,
           (double)closing / 1e6, right && late < GRACE ? "" : "  WRONG");
    if (!right) printf("  %.400s\n", end.message);
    return right && late < GRACE && closing < GRACE;
}

int main(int count, char **arguments) {
    int wrong = 0, ran = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    clh_watchdog *watchdog = clh_watchdog_start();
    CHECK(watchdog && clh_thread_enter(watchdog) == 0);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        if (count > 1 && strcmp(arguments[1], attacks[i].name) != 0) continue;
        wrong += !attempt(&attacks[i]);
        ran++;
    }
    clh_thread_leave();
    clh_watchdog_stop(watchdog);
    printf("hostile: %d of %d attacks ended as they should; the latest %.1f ms after its budget (%s)\n",
           ran - wrong, ran, (double)latest.late / 1e6, latest.name ? latest.name : "none");
    return wrong != 0;
}
