-- Events that a node raised, in the order of position, until every subscriber has finished with them. A row is
-- written in the transaction of what it tells of; event_stream gives the positions, and its row is locked until that
-- transaction ends, so that positions become visible in their order. The payload is null where the event is made
-- from other tables.
CREATE TABLE event_stream (
    node_id TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE event_outbox (
    node_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    event_key TEXT NOT NULL,
    repository_id INTEGER,
    payload BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (node_id, position)
) WITHOUT ROWID;
-- Up to where each subscriber has finished.
CREATE TABLE event_cursor (
    node_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (node_id, subscriber)
) WITHOUT ROWID;
