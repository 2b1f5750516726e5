ALTER TABLE mirror_node ADD COLUMN compared_at INTEGER;
CREATE TABLE mirror_catch_up (
    mirror_id TEXT NOT NULL REFERENCES mirror (mirror_id) ON DELETE CASCADE,
    repository_id INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (mirror_id, repository_id)
);
CREATE TABLE mirror_former (
    mirror_id TEXT PRIMARY KEY,
    mode TEXT NOT NULL,
    projects TEXT NOT NULL
);
