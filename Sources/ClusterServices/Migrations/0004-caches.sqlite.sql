-- Caches that nodes share. version counts the changes of a region, so that a node knows whether it has heard
-- of all; cleared is the version at which everything was removed last.
CREATE TABLE cache_region (
    name TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    cleared INTEGER NOT NULL
) WITHOUT ROWID;
-- The values of caches in mode copy. One without a value was removed and is kept until it expires, so that a
-- load which began before does not bring it back.
CREATE TABLE cache_entry (
    region TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    value BLOB,
    expires_at INTEGER,
    PRIMARY KEY (region, key)
) WITHOUT ROWID;
CREATE INDEX cache_entry_by_version ON cache_entry (region, version);
