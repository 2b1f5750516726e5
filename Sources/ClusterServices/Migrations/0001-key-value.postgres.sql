-- Values that plugins keep: one row per key within a namespace. Keys order by bytes, hence the collation.
-- size is bytes of key and encoded value; expires is milliseconds since 1970 by the database's clock. The value
-- comes last, so that reading the rest does not read it.
CREATE TABLE key_value (
    namespace TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    size BIGINT NOT NULL,
    expires BIGINT,
    value BYTEA NOT NULL,
    PRIMARY KEY (namespace, key)
);
CREATE INDEX key_value_expires ON key_value (namespace, expires) WHERE expires IS NOT NULL;
-- What each namespace holds, kept with every change, so that a quota needs no scan. last_version numbers every
-- change in the namespace and never goes back: a key that is deleted and made again has another version.
CREATE TABLE key_value_usage (
    namespace TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    size BIGINT NOT NULL,
    last_version BIGINT NOT NULL
);
