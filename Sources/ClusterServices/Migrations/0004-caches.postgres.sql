-- Caches that nodes share. version counts the changes of a region, so that a node knows whether it has heard
-- of all; cleared is the version at which everything was removed last.
CREATE TABLE cache_region (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    cleared BIGINT NOT NULL
) WITH (fillfactor = 50);
-- The values of caches in mode copy. One without a value was removed and is kept until it expires, so that a
-- load which began before does not bring it back.
CREATE TABLE cache_entry (
    region TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    value BYTEA,
    expires_at BIGINT,
    PRIMARY KEY (region, key)
);
CREATE INDEX cache_entry_by_version ON cache_entry (region, version);
