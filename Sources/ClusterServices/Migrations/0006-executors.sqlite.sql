-- Durable tasks in buckets. Names of executors; whatever holds tasks names them by id. Keys below begin with
-- the bucket: the few executors tell a query planner little, and it must not choose an index for them alone.
CREATE TABLE executor (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (namespace, name)
);
-- Where the tasks of a bucket end; one row per bucket that has any. Tasks get their numbers, without gaps,
-- while this row is locked, so that they become visible in their order. bytes are those of all payloads up to
-- last_number. Only who has locked this row makes or deletes the bucket's row in executor_bucket, so that no
-- task is left without one.
CREATE TABLE executor_tail (
    executor_id INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    last_number INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (bucket, executor_id)
) WITHOUT ROWID;
-- Who works on a bucket, from where on. owner is the incarnation of a node (0: nobody), claim tells that
-- node's claims apart. head is the number of the oldest task. While attempts > 0 the batch is
-- head..batch_end, and attempts counts how often it was begun. Up to suspect_end tasks come alone, as their
-- last attempt. bytes are those of the payloads before head. ready_at and all times are milliseconds since
-- 1970 by the database's clock. Submitters do not lock it.
CREATE TABLE executor_bucket (
    executor_id INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    head INTEGER NOT NULL,
    batch_end INTEGER NOT NULL,
    suspect_end INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    claim INTEGER NOT NULL,
    ready_at INTEGER NOT NULL,
    error TEXT,
    PRIMARY KEY (bucket, executor_id)
) WITHOUT ROWID;
-- Free buckets by the time they are due, and after them those that somebody works on.
CREATE INDEX executor_bucket_ready ON executor_bucket (owner, executor_id, ready_at);
-- Tasks are inserted and deleted, never changed.
CREATE TABLE executor_task (
    executor_id INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    number INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (bucket, executor_id, number)
) WITHOUT ROWID;
-- Tasks that are not due yet. They get their place in the order of their bucket when they are.
CREATE TABLE executor_delayed (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    executor_id INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX executor_delayed_due ON executor_delayed (due_at, id);
-- Tasks whose attempts are used up.
CREATE TABLE executor_dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    executor_id INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    submitted_at INTEGER NOT NULL,
    payload BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    died_at INTEGER NOT NULL
);
CREATE INDEX executor_dead_executor ON executor_dead (executor_id, id);
-- How many tasks an executor holds in all, dead ones included, as a sum over rows that different writers
-- change.
CREATE TABLE executor_usage (
    executor_id INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    tasks INTEGER NOT NULL,
    PRIMARY KEY (executor_id, shard)
) WITHOUT ROWID;
