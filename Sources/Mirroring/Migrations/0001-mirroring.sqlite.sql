CREATE TABLE mirroring_identity (
    id INTEGER PRIMARY KEY,
    upstream_id TEXT NOT NULL,
    private_key BLOB NOT NULL
);
CREATE TABLE mirror (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mirror_id TEXT NOT NULL,
    name TEXT NOT NULL,
    base_url TEXT NOT NULL,
    mirror_type TEXT NOT NULL,
    product_version TEXT NOT NULL,
    public_key BLOB NOT NULL,
    ssh_key TEXT,
    state TEXT NOT NULL,
    mode TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    decided_at INTEGER,
    seen_at INTEGER,
    CONSTRAINT mirror_mirror_id UNIQUE (mirror_id)
);
CREATE TABLE mirror_project (
    mirror_id TEXT NOT NULL REFERENCES mirror (mirror_id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    PRIMARY KEY (mirror_id, project_id)
);
CREATE TABLE mirror_node (
    mirror_id TEXT NOT NULL REFERENCES mirror (mirror_id) ON DELETE CASCADE,
    node_id TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL,
    demand TEXT,
    clock_offset INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (mirror_id, node_id)
);
CREATE TABLE mirror_change (
    mirror_id TEXT NOT NULL REFERENCES mirror (mirror_id) ON DELETE CASCADE,
    repository_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    phase TEXT NOT NULL,
    changes BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (mirror_id, repository_id)
);
CREATE INDEX mirror_change_sequence ON mirror_change (mirror_id, sequence);
CREATE TABLE mirror_copy (
    mirror_id TEXT NOT NULL REFERENCES mirror (mirror_id) ON DELETE CASCADE,
    node_id TEXT NOT NULL,
    repository_id INTEGER NOT NULL,
    prepared INTEGER NOT NULL,
    published INTEGER NOT NULL,
    status TEXT NOT NULL,
    failures INTEGER NOT NULL,
    last_error TEXT,
    first_synced_at INTEGER,
    synced_at INTEGER,
    PRIMARY KEY (mirror_id, node_id, repository_id)
);
CREATE INDEX mirror_copy_repository ON mirror_copy (repository_id);
CREATE TABLE mirror_token_use (
    token_id TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
);
CREATE INDEX mirror_token_use_expiry ON mirror_token_use (expires_at);
CREATE TABLE preferred_mirror (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES app_user (id) ON DELETE CASCADE,
    mirror_id TEXT NOT NULL REFERENCES mirror (mirror_id) ON DELETE CASCADE
);
CREATE TABLE upstream_server (
    id INTEGER PRIMARY KEY,
    base_url TEXT NOT NULL,
    upstream_id TEXT,
    public_key BLOB,
    state TEXT NOT NULL,
    detail TEXT,
    clock_offset INTEGER,
    updated_at INTEGER NOT NULL
);
CREATE TABLE mirrored_repository (
    repository_id INTEGER NOT NULL PRIMARY KEY,
    status TEXT NOT NULL,
    metadata_hash TEXT NOT NULL,
    content_hash TEXT,
    failures INTEGER NOT NULL,
    last_error TEXT,
    first_synced_at INTEGER,
    synced_at INTEGER
);
