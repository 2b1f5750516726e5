package import Portable
package import SharedDatabase

/// One definition of an executor on this node, for submitting tasks and for ending it.
package struct BucketedExecutor: Sendable {
    let service: ExecutorService
    let id: Int64
    let number: Int
    let name: String
    let settings: ExecutorSettings

    /// Submits tasks; when it returns they are in the database, in this order.
    /// - Parameter tasks: At most 1,000.
    /// - Throws: ``ExecutorError`` (``ExecutorError/full(name:tasks:limit:)`` when it holds too many already;
    ///   none of these was taken then), ``PortableError`` when a payload is too large or too deep,
    ///   ``DatabaseError``.
    package func submit(_ tasks: [NewTask]) async throws {
        try await service.submit(try encoded(tasks), to: self)
    }

    /// Submits one task.
    /// - Throws: As ``submit(_:)-([NewTask])``.
    package func submit(bucket: String, _ payload: PortableValue, delay: Duration? = nil) async throws {
        try await submit([NewTask(bucket: bucket, payload: payload, delay: delay)])
    }

    /// Submits tasks in the caller's transaction: they are there if and when it commits.
    ///
    /// The buckets stay locked until then, so that nobody sees a later task of theirs before: keep it short.
    /// - Throws: As ``submit(_:)-([NewTask])``.
    package func submit(_ tasks: [NewTask], in transaction: DatabaseTransaction) throws {
        try service.submit(try encoded(tasks), to: self, in: transaction)
    }

    /// Ends this definition on this node, unless a later one has replaced it. Batches that run may end within
    /// `grace`; then they are cancelled and given back.
    package func end(grace: Duration = .seconds(10)) async {
        await service.end([id], grace: grace) { $0.number == number }
    }

    private func encoded(
        _ tasks: [NewTask]
    ) throws -> [(task: ExecutorRows.StoredTask, delay: Int64?)] {
        guard tasks.count <= ExecutorService.submissionMax else {
            throw ExecutorError.tooManyTasks(count: tasks.count, limit: ExecutorService.submissionMax)
        }
        return try tasks.map { task in
            try BucketKey.check(task.bucket)
            let stored = ExecutorRows.StoredTask(
                key: BucketKey(executor: id, bucket: task.bucket),
                payload: try MessagePack.encode(task.payload, limits: service.limits))
            return (stored, task.delay.map { max(0, Int64(clamping: $0)) })
        }
    }
}
