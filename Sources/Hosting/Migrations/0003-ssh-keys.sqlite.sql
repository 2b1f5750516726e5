-- A key is a user's, or an access key: then it has a service user of its own, and rows of ssh_access.
CREATE TABLE ssh_key (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL,
    key_text TEXT NOT NULL,
    label TEXT,
    algorithm TEXT NOT NULL,
    bit_length INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    is_access INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    CONSTRAINT ssh_key_fingerprint UNIQUE (fingerprint)
);
CREATE INDEX ssh_key_user ON ssh_key (user_id);
CREATE TABLE ssh_access (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key_id INTEGER NOT NULL REFERENCES ssh_key (id) ON DELETE CASCADE,
    project_id INTEGER REFERENCES project (id) ON DELETE CASCADE,
    repository_id INTEGER REFERENCES repository (id) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT ssh_access_one_owner CHECK ((project_id IS NULL) <> (repository_id IS NULL))
);
CREATE UNIQUE INDEX ssh_access_owner ON ssh_access (
    key_id, COALESCE(project_id, 0), COALESCE(repository_id, 0)
);
CREATE INDEX ssh_access_project ON ssh_access (project_id);
CREATE INDEX ssh_access_repository ON ssh_access (repository_id);
