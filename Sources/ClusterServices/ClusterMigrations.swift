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

    static let membership = [
        Migration(
            name: "cluster-0003-membership-locks", sqlite: PackageResources._003_membership_locks_sqlite_sql,
            postgres: PackageResources._003_membership_locks_postgres_sql),
        Migration(
            name: "cluster-0008-fence-age", sqlite: PackageResources._008_fence_age_sqlite_sql,
            postgres: PackageResources._008_fence_age_postgres_sql),
    ]

    static let caches = [
        Migration(
            name: "cluster-0004-caches", sqlite: PackageResources._004_caches_sqlite_sql,
            postgres: PackageResources._004_caches_postgres_sql),
        Migration(
            name: "cluster-0007-caches-unlogged", sqlite: PackageResources._007_caches_unlogged_sqlite_sql,
            postgres: PackageResources._007_caches_unlogged_postgres_sql),
    ]

    static let jobs = [
        Migration(
            name: "cluster-0005-jobs", sqlite: PackageResources._005_jobs_sqlite_sql,
            postgres: PackageResources._005_jobs_postgres_sql)
    ]

    static let executors = [
        Migration(
            name: "cluster-0006-executors", sqlite: PackageResources._006_executors_sqlite_sql,
            postgres: PackageResources._006_executors_postgres_sql)
    ]
}
