import SharedDatabase

/// The tables of this module, oldest first.
enum PluginMigrations {
    static let all = [
        Migration(
            name: "plugins-0001-settings", sqlite: PackageResources._001_plugins_sqlite_sql,
            postgres: PackageResources._001_plugins_postgres_sql),
        Migration(
            name: "plugins-0002-quarantine", sqlite: PackageResources._002_quarantine_sqlite_sql,
            postgres: PackageResources._002_quarantine_postgres_sql),
    ]
}
