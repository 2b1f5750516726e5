ALTER TABLE mirror_node ADD COLUMN compared_at BIGINT;
CREATE TABLE mirror_catch_up (
    mirror_id TEXT COLLATE "C" NOT NULL REFERENCES mirror (mirror_id) ON DELETE CASCADE,
    repository_id BIGINT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (mirror_id, repository_id)
);
CREATE TABLE mirror_former (
    mirror_id TEXT COLLATE "C" PRIMARY KEY,
    mode TEXT COLLATE "C" NOT NULL,
    projects TEXT COLLATE "C" NOT NULL
);
