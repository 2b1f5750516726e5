-- Plugins that no node may run, because runs of theirs kept being ended; gone when an administrator releases one.
-- reason is a clause for people; node is the one that saw it; since is in milliseconds since 1970.
CREATE TABLE plugin_quarantine (
    plugin_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    reason TEXT COLLATE "C" NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL
);
