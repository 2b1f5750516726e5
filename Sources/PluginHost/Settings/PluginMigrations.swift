import SharedDatabase

/// The tables of this module, oldest first.
enum PluginMigrations {
    static let all = [
        Migration(
            name: "plugins-0001-settings", sqlite: PackageResources._001_plugins_sqlite_sql,
            postgres: PackageResources._001_plugins_postgres_sql)
    ]
}
