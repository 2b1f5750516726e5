import SharedDatabase

/// The tables of this module, oldest first.
enum ClusterMigrations {
    static let all = [
        Migration(
            name: "cluster-0001-key-value", sqlite: PackageResources._001_key_value_sqlite_sql,
            postgres: PackageResources._001_key_value_postgres_sql)
    ]
}
