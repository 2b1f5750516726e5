-- What holds for the cluster as a whole: one row. timeline is the database's history that was seen last; no lock
-- is granted before settled_at, so that whoever was granted one in commits that a failover lost has noticed it.
-- last_incarnation counts on for ever; token_floor is what the tokens of deleted locks did not exceed. All times
-- are milliseconds since 1970 by the database's clock.
CREATE TABLE cluster_state (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    home_id TEXT NOT NULL,
    timeline INTEGER NOT NULL,
    settled_at INTEGER NOT NULL,
    last_incarnation INTEGER NOT NULL,
    token_floor INTEGER NOT NULL
);
-- The nodes: one row per life of a node, deleted when it ends. Whatever names an incarnation as its owner is held
-- only while that row is here. renewals counts, so that an observer sees life without trusting any clock.
CREATE TABLE cluster_node (
    incarnation INTEGER PRIMARY KEY NOT NULL,
    node_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    address TEXT,
    http_port INTEGER,
    version TEXT NOT NULL,
    generation INTEGER NOT NULL,
    origin TEXT,
    joined_at INTEGER NOT NULL,
    lease_ms INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    renewed_at INTEGER NOT NULL,
    renewals INTEGER NOT NULL,
    load REAL NOT NULL
);
-- The locks that somebody has asked for. token is that of the last grant. owner is an incarnation, or NULL when
-- nobody holds the lock; contended is 1 while it may have waiters on other nodes.
-- local_waiters is how many wait in the memory of the owner's node, told now and then. No index on what changes
-- with each grant.
CREATE TABLE cluster_lock (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    token INTEGER NOT NULL,
    owner INTEGER,
    label TEXT,
    granted_at INTEGER NOT NULL,
    contended INTEGER NOT NULL,
    local_waiters INTEGER NOT NULL,
    PRIMARY KEY (namespace, name)
) WITHOUT ROWID;
-- Who waits for a lock, first come first served. A row is written while the lock's row is locked, so that ids are
-- in the order of the commits.
CREATE TABLE cluster_lock_waiter (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    owner INTEGER NOT NULL,
    label TEXT,
    since INTEGER NOT NULL
);
CREATE INDEX cluster_lock_waiter_lock ON cluster_lock_waiter (namespace, name, id);
CREATE INDEX cluster_lock_waiter_owner ON cluster_lock_waiter (owner);
-- The greatest fencing token that came with a write to something, where the lock is not known.
CREATE TABLE cluster_fence (
    namespace TEXT NOT NULL,
    resource TEXT NOT NULL,
    token INTEGER NOT NULL,
    PRIMARY KEY (namespace, resource)
) WITHOUT ROWID;
