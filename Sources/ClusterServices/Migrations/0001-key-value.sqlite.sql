-- Values that plugins keep: one row per key within a namespace.
-- size is bytes of key and encoded value; expires is milliseconds since 1970 by the database's clock. The value
-- comes last, so that reading the rest does not read it.
CREATE TABLE key_value (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    size INTEGER NOT NULL,
    expires INTEGER,
    value BLOB NOT NULL,
    PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
CREATE INDEX key_value_expires ON key_value (namespace, expires) WHERE expires IS NOT NULL;
-- What each namespace holds, kept with every change, so that a quota needs no scan. last_version numbers every
-- change in the namespace and never goes back: a key that is deleted and made again has another version.
CREATE TABLE key_value_usage (
    namespace TEXT PRIMARY KEY NOT NULL,
    size INTEGER NOT NULL,
    last_version INTEGER NOT NULL
);
