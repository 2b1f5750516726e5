-- Jobs: what runs when. slot is empty for a job that runs once per cluster, else the node that runs its own. A schedule
-- of NULL is a job that is not scheduled any more; its row stays, so that tokens go on growing. due is when somebody
-- has to look at the row; it is stored before a run begins. owner is the incarnation of the node that runs it now.
-- Times are milliseconds since 1970 by the database's clock.
CREATE TABLE job (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    slot TEXT NOT NULL,
    runner TEXT NOT NULL,
    schedule TEXT,
    jitter INTEGER NOT NULL,
    overlap TEXT NOT NULL,
    misfire TEXT NOT NULL,
    recovers INTEGER NOT NULL,
    data BLOB NOT NULL,
    version INTEGER NOT NULL,
    next_run INTEGER,
    pending_fire INTEGER,
    pending_reason TEXT,
    due INTEGER,
    last_fire INTEGER,
    skipped INTEGER NOT NULL,
    token INTEGER NOT NULL,
    owner INTEGER,
    running_fire INTEGER,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (namespace, name, slot)
) WITHOUT ROWID;
-- The last runs of each job, the running one included. A larger token is a later run.
CREATE TABLE job_run (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    slot TEXT NOT NULL,
    token INTEGER NOT NULL,
    fire_time INTEGER NOT NULL,
    reason TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    node_id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT,
    message TEXT,
    PRIMARY KEY (namespace, name, slot, token)
) WITHOUT ROWID;
