-- Events that a node raised, in the order of position, until every subscriber has finished with them. A row is
-- written in the transaction of what it tells of; event_stream gives the positions, and its row is locked until that
-- transaction ends, so that positions become visible in their order. The payload is null where the event is made
-- from other tables.
CREATE TABLE event_stream (
    node_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
);
CREATE TABLE event_outbox (
    node_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    event_key TEXT COLLATE "C" NOT NULL,
    repository_id BIGINT,
    payload BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (node_id, position)
);
-- Up to where each subscriber has finished.
CREATE TABLE event_cursor (
    node_id TEXT COLLATE "C" NOT NULL,
    subscriber TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (node_id, subscriber)
);
