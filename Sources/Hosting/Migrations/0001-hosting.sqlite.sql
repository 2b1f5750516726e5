CREATE TABLE app_user (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    slug TEXT NOT NULL,
    display_name TEXT NOT NULL,
    display_key TEXT NOT NULL,
    email_address TEXT,
    email_key TEXT,
    kind TEXT NOT NULL,
    active INTEGER NOT NULL,
    password_hash TEXT,
    created_at INTEGER NOT NULL,
    CONSTRAINT app_user_name UNIQUE (name_key),
    CONSTRAINT app_user_slug UNIQUE (slug)
);
CREATE TABLE app_group (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    CONSTRAINT app_group_name UNIQUE (name_key)
);
CREATE TABLE group_member (
    group_id INTEGER NOT NULL REFERENCES app_group (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_member_user ON group_member (user_id);
CREATE TABLE project (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_key TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT,
    is_public INTEGER NOT NULL,
    kind TEXT NOT NULL,
    owner_id INTEGER REFERENCES app_user (id),
    created_at INTEGER NOT NULL,
    CONSTRAINT project_project_key UNIQUE (project_key),
    CONSTRAINT project_name UNIQUE (name_key),
    CONSTRAINT project_owner UNIQUE (owner_id)
);
CREATE TABLE repository (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES project (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT,
    is_public INTEGER NOT NULL,
    is_forkable INTEGER NOT NULL,
    is_archived INTEGER NOT NULL,
    state TEXT NOT NULL,
    hierarchy_id TEXT NOT NULL,
    creating_node TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT repository_slug UNIQUE (project_id, slug)
);
CREATE TABLE repository_alias (
    project_key TEXT NOT NULL,
    slug TEXT NOT NULL,
    repository_id INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    PRIMARY KEY (project_key, slug)
);
CREATE INDEX repository_alias_repository ON repository_alias (repository_id);
CREATE TABLE repository_removal (
    repository_id INTEGER NOT NULL PRIMARY KEY,
    removed_at INTEGER NOT NULL
);
CREATE TABLE permission_grant (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER REFERENCES project (id) ON DELETE CASCADE,
    repository_id INTEGER REFERENCES repository (id) ON DELETE CASCADE,
    user_id INTEGER REFERENCES app_user (id) ON DELETE CASCADE,
    group_id INTEGER REFERENCES app_group (id) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    CONSTRAINT permission_grant_one_scope CHECK (project_id IS NULL OR repository_id IS NULL),
    CONSTRAINT permission_grant_one_subject CHECK (user_id IS NULL OR group_id IS NULL)
);
CREATE UNIQUE INDEX permission_grant_subject ON permission_grant (
    COALESCE(project_id, 0), COALESCE(repository_id, 0), COALESCE(user_id, 0), COALESCE(group_id, 0)
);
CREATE INDEX permission_grant_user ON permission_grant (user_id);
CREATE INDEX permission_grant_group ON permission_grant (group_id);
CREATE INDEX permission_grant_project ON permission_grant (project_id);
CREATE INDEX permission_grant_repository ON permission_grant (repository_id);
CREATE TABLE access_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    project_id INTEGER REFERENCES project (id) ON DELETE CASCADE,
    repository_id INTEGER REFERENCES repository (id) ON DELETE CASCADE,
    permissions TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    CONSTRAINT access_token_secret UNIQUE (secret_hash)
);
CREATE UNIQUE INDEX access_token_name ON access_token (
    COALESCE(project_id, 0), COALESCE(repository_id, 0),
    CASE WHEN project_id IS NULL AND repository_id IS NULL THEN user_id ELSE 0 END, name
);
CREATE INDEX access_token_user ON access_token (user_id);
CREATE TABLE ref_change_journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    push_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    repository_id INTEGER NOT NULL,
    user_id INTEGER,
    push_trigger TEXT NOT NULL,
    changes BLOB NOT NULL,
    state TEXT NOT NULL,
    confirm_order INTEGER,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    delivered_at INTEGER,
    CONSTRAINT ref_change_journal_push UNIQUE (push_id)
);
CREATE INDEX ref_change_journal_state ON ref_change_journal (state, repository_id, confirm_order);
CREATE INDEX ref_change_journal_order ON ref_change_journal (repository_id, confirm_order);
