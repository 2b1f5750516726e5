import SharedDatabase

/// The tables of this module, oldest first.
enum ClusterMigrations {
    static let keyValue = [
        Migration(
            name: "cluster-0001-key-value", sqlite: PackageResources._001_key_value_sqlite_sql,
            postgres: PackageResources._001_key_value_postgres_sql)
    ]

    static let events = [
        Migration(
            name: "cluster-0002-events", sqlite: PackageResources._002_events_sqlite_sql,
            postgres: PackageResources._002_events_postgres_sql)
    ]
}
