/* The lease of a node, the lock that hangs on it, and the database that loses its last commits in a failover.
 *
 * What is modelled is the way of Sources/ClusterServices: a node believes in its lease until TTL - MARGIN ticks after
 * it sent its last renewal; another node removes it when it has seen no renewal for TTL ticks of its own; a lock is
 * granted to a node whose row is there, when its owner's is not; a grant's token has the timeline above the count;
 * after a failover nothing is granted for TTL ticks. Time passes whether or not a node takes a step: that is a pause,
 * and a death is a pause without an end. The quick sign of death, by the session, is not modelled.
 *
 * Checked are: no two nodes believe at a time that they hold the lock; each grant's token is greater than all before;
 * with -DRESOURCE that writes under the lock take effect in the order of the grants, however long they were under
 * way; with -DLIVE that who wants the lock of a dead node gets it.
 *
 * Each guard can be left out, and spin must then find the fault: -DNO_MARGIN counts the lease from the answer to a
 * renewal, -DNO_SILENCE removes a node without waiting, -DNO_SETTLE grants at once after a failover, -DNO_TIMELINE
 * leaves the timeline out of the tokens, -DNO_FENCE (with -DRESOURCE) lets the resource take any write, and
 * -DNO_REMOVAL (with -DLIVE) leaves dead nodes where they are.
 */
#define N 2
#ifndef TTL
#define TTL 2
#endif
#define MARGIN 1
#ifndef FAILOVERS
#define FAILOVERS 1
#endif
#ifndef GRANTS
#define GRANTS 2
#endif
#define FREE 7
#define DEAD 6

/* The database: rows of nodes, one lock, the history; and the standby's copy of it. */
bool row[N];
byte owner = FREE;
byte count;
byte timeline = 1;
bool isNoticed = true;
byte settling;
bool copyRow[N];
byte copyOwner = FREE;
byte copyCount;
bool isCopied;
/* A row has been renewed since the standby was in step; since this observer looked. */
bool isAhead[N];
bool isFresh[4];
#define FRESH(o, n) isFresh[(o) * N + (n)]

/* The nodes. */
bool isMember[N];
byte belief[N];
byte elapsed[N];
byte phase[N];
byte known[N];
#ifdef LIVE
bool hasDied;
bool hasHeld[N];
#endif
byte silence[4];
#define SILENCE(o, n) silence[(o) * N + (n)]
bool holds[N];
byte token[N];

/* How many grants there have been, and the greatest token; no part of the system knows these. */
byte grants;
byte greatest;
#ifdef RESOURCE
/* What is written to under the lock. */
byte seen;
byte lastGrant;
byte grantOf[N];
#endif

#define TOKEN(t, c) ((t) * 16 + (c))
#ifdef NO_TIMELINE
#define NEWTOKEN count
#else
#define NEWTOKEN TOKEN(timeline, count)
#endif

#ifdef NO_SILENCE
#define ISSILENT(o, n) true
#else
#define ISSILENT(o, n) (SILENCE(o, n) == 0)
#endif
#ifdef NO_SETTLE
#define ISSETTLED isNoticed
#else
#define ISSETTLED (isNoticed && settling == 0)
#endif
#ifdef NO_FENCE
#define PASSES(n) true
#else
#define PASSES(n) (token[n] >= seen)
#endif
#ifdef LIVE
#define WANTS(n) (!holds[n] && !hasHeld[n])
#else
#define WANTS(n) (!holds[n])
#endif
#define ISOPEN(n) (owner == FREE || owner == DEAD || owner == n || !row[owner])

#define CANTAKE(n) (isMember[n] && belief[n] > 0 && row[n] && grants < GRANTS && WANTS(n) && known[n] == timeline && ISSETTLED && ISOPEN(n))
#define CANLOOK(n, o) (isMember[n] && row[o] && FRESH(n, o))
#ifdef NO_REMOVAL
#define CANREMOVE(n, o) false
#else
#define CANREMOVE(n, o) (isMember[n] && belief[n] > 0 && row[o] && !FRESH(n, o) && ISSILENT(n, o))
#endif
#ifdef LIVE
/* The second node is quick: whatever it can do, it does before the time goes on, and no renewal too much. */
#define MAYTICK (isMember[1] && phase[1] == 0 && belief[1] == TTL - MARGIN && !CANTAKE(1) && !CANLOOK(1, 0) && !CANREMOVE(1, 0))
#define MAYRENEW(n) (n == 0 || belief[n] < TTL - MARGIN)
#else
#define MAYTICK true
#define MAYRENEW(n) true
#endif

#define held0 (holds[0] && belief[0] > 0)
#define held1 (holds[1] && belief[1] > 0)

inline notice() {
    if
    :: !isNoticed -> isNoticed = true; settling = TTL
    :: else
    fi
}

inline noteGrant(n) {
    assert(token[n] > greatest);
    greatest = token[n];
#ifdef RESOURCE
    grantOf[n] = grants;
#endif
#ifdef LIVE
    hasHeld[n] = true;
#endif
    skip
}

inline alone() {
    assert(!(held0 && held1))
}

inline lose(n) {
    isMember[n] = false; holds[n] = false; belief[n] = 0; elapsed[n] = 0
#ifndef RESOURCE
    ; token[n] = 0
#endif
}

proctype node(byte n) {
    byte other = 1 - n;
    bool isGone = false;
    byte heard = 0;
end:
    do
#ifdef LIVE
    /* A node dies with the lock. Elsewhere a death is a pause without an end. */
    :: atomic { n == 0 && holds[n] -> hasDied = true; belief[n] = 0; break }
#endif
    :: atomic { !isMember[n] && phase[n] == 0 ->
        if :: owner == n -> owner = DEAD :: else fi;
        notice(); known[n] = timeline; row[n] = true; isAhead[n] = isCopied; FRESH(other, n) = true;
        isMember[n] = true; belief[n] = TTL - MARGIN }
    :: atomic { isMember[n] && belief[n] == 0 && phase[n] == 0 -> lose(n) }
    /* A renewal: sent, committed, answered. */
    :: atomic { isMember[n] && phase[n] == 0 && MAYRENEW(n) -> phase[n] = 1; elapsed[n] = 0 }
    :: atomic { phase[n] == 1 ->
        notice(); heard = timeline; isGone = !row[n];
        if :: row[n] -> isAhead[n] = isCopied; FRESH(other, n) = true :: else fi;
        phase[n] = 2 }
    :: atomic { phase[n] == 2 ->
        phase[n] = 0;
        if
        :: isGone || belief[n] == 0 -> lose(n)
        :: else ->
            if
            :: known[n] != heard ->
                known[n] = heard;
                if :: holds[n] && !(owner == n && count == token[n] % 16) -> holds[n] = false :: else fi
            :: else
            fi;
#ifdef NO_MARGIN
            belief[n] = TTL
#else
            if
            :: elapsed[n] < TTL - MARGIN && TTL - MARGIN - elapsed[n] > belief[n] ->
                belief[n] = TTL - MARGIN - elapsed[n]
            :: else
            fi
#endif
        fi;
        elapsed[n] = 0; isGone = false; heard = 0 }
    /* The other node: looked at, and removed when it was silent. */
    :: atomic { CANLOOK(n, other) -> FRESH(n, other) = false; SILENCE(n, other) = TTL }
    :: atomic { CANREMOVE(n, other) ->
        row[other] = false; if :: owner == other -> owner = DEAD :: else fi }
    /* The lock. */
    :: atomic { CANTAKE(n) ->
        owner = n; count++; token[n] = NEWTOKEN; grants++; holds[n] = true; noteGrant(n); alone() }
    :: atomic { isMember[n] && holds[n] && belief[n] > 0 && known[n] == timeline && owner == n ->
        holds[n] = false; owner = FREE }
#ifdef RESOURCE
    /* A write under the lock; perhaps long after the node lost it. */
    :: atomic { token[n] > 0 && PASSES(n) ->
        seen = token[n]; assert(grantOf[n] >= lastGrant); lastGrant = grantOf[n] }
#endif
    od
}

/* Time, and the end of each node's belief with it. */
proctype clock() {
    byte i;
    do
    :: atomic { MAYTICK ->
        i = 0;
        do
        :: i < N ->
            if :: belief[i] > 0 -> belief[i]-- :: else fi;
            if :: phase[i] > 0 && elapsed[i] < TTL -> elapsed[i]++ :: else fi;
            i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < N * N -> if :: silence[i] > 0 -> silence[i]-- :: else fi; i++
        :: else -> break
        od;
        if :: settling > 0 -> settling-- :: else fi
        i = 0 }
    od
}

/* The standby follows at its own pace, and takes over with what it had at some moment. */
proctype standby() {
end:
    if
    :: atomic { FAILOVERS > 0 ->
        copyRow[0] = row[0]; copyRow[1] = row[1]; copyOwner = owner; copyCount = count;
        isAhead[0] = false; isAhead[1] = false; isCopied = true }
    fi;
endCopied:
    atomic { true ->
        if :: isAhead[0] -> FRESH(1, 0) = true :: else fi;
        if :: isAhead[1] -> FRESH(0, 1) = true :: else fi;
        row[0] = copyRow[0]; row[1] = copyRow[1]; owner = copyOwner; count = copyCount;
        copyRow[0] = false; copyRow[1] = false; copyOwner = FREE; copyCount = 0;
        isAhead[0] = false; isAhead[1] = false; isCopied = false;
        timeline++; isNoticed = false }
}

init {
    atomic {
        run node(0); run node(1); run clock(); run standby()
    }
}

#ifdef LIVE
/* A node that lives and wants the lock gets it when the one that held it has died. */
ltl served { [] (hasDied -> <> hasHeld[1]) }
#endif
