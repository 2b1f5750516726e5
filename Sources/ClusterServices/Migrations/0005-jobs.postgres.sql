-- Jobs: what runs when. slot is empty for a job that runs once per cluster, else the node that runs its own. A schedule
-- of NULL is a job that is not scheduled any more; its row stays, so that tokens go on growing. due is when somebody
-- has to look at the row; it is stored before a run begins. owner is the incarnation of the node that runs it now.
-- Times are milliseconds since 1970 by the database's clock.
CREATE TABLE job (
    namespace TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    slot TEXT COLLATE "C" NOT NULL,
    runner TEXT NOT NULL,
    schedule TEXT,
    jitter BIGINT NOT NULL,
    overlap TEXT NOT NULL,
    misfire TEXT NOT NULL,
    recovers BIGINT NOT NULL,
    data BYTEA NOT NULL,
    version BIGINT NOT NULL,
    next_run BIGINT,
    pending_fire BIGINT,
    pending_reason TEXT,
    due BIGINT,
    last_fire BIGINT,
    skipped BIGINT NOT NULL,
    token BIGINT NOT NULL,
    owner BIGINT,
    running_fire BIGINT,
    attempt BIGINT NOT NULL,
    PRIMARY KEY (namespace, name, slot)
);
-- The last runs of each job, the running one included. A larger token is a later run.
CREATE TABLE job_run (
    namespace TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    slot TEXT COLLATE "C" NOT NULL,
    token BIGINT NOT NULL,
    fire_time BIGINT NOT NULL,
    reason TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    node_id TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    outcome TEXT,
    message TEXT,
    PRIMARY KEY (namespace, name, slot, token)
);
