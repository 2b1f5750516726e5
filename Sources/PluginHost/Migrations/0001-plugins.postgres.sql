-- What administrators decided about plugins: switched on or off, and the settings, per scope.
-- scope is 'global' or 'repository/12'; is_enabled is null where nobody decided; settings is JSON, as written.
CREATE TABLE plugin_setting (
    plugin_id TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    is_enabled SMALLINT,
    settings TEXT COLLATE "C",
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (plugin_id, scope)
);
CREATE INDEX plugin_setting_scope ON plugin_setting (scope);
