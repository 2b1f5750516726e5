package import SharedDatabase

/// What a write under a lock is checked against, in the transaction of that write.
package struct LockFence: Sendable, Hashable {
    /// Which lock.
    package let name: LockName
    /// Of the grant: greater than those of all earlier grants of this lock, over crashes and failovers.
    package let token: Int64
}

extension DatabaseTransaction {
    /// Refuses to go on when the lock has been granted to somebody else since, or was broken.
    ///
    /// The lock's row stays locked until the transaction ends: a later grant comes after this write.
    /// - Throws: ``LockError/staleToken(resource:token:seen:)``; `DatabaseError`.
    package func checkFence(_ fence: LockFence) throws {
        let row = try firstRow(
            "SELECT token FROM cluster_lock WHERE namespace = ? AND name = ?\(forUpdate)",
            [.text(fence.name.namespace), .text(fence.name.name)])
        guard let seen = try row?.integer("token"), seen > fence.token else { return }
        throw LockError.staleToken(resource: "\(fence.name)", token: fence.token, seen: seen)
    }

    /// Refuses to go on when a write to the same thing came with a greater token before; else this one is the
    /// greatest from now on.
    /// - Parameters:
    ///   - namespace: Whose thing.
    ///   - resource: Which thing.
    ///   - token: A fencing token, of whichever lock the thing's users have agreed on.
    /// - Returns: How many bytes of it count towards the namespace's quota.
    /// - Throws: ``LockError/staleToken(resource:token:seen:)``; `DatabaseError`.
    @discardableResult
    package func checkFence(namespace: String, resource: String, token: Int64) throws -> Int64 {
        let row = try firstRow(
            """
            INSERT INTO cluster_fence (namespace, resource, token, used_at)
            VALUES (?, ?, ?, \(nowExpression))
            ON CONFLICT (namespace, resource) DO UPDATE
            SET token = CASE WHEN cluster_fence.token < excluded.token THEN excluded.token ELSE
                cluster_fence.token END, used_at = excluded.used_at
            RETURNING token, charged
            """, [.text(namespace), .text(resource), .integer(token)])
        if let seen = try row?.integer("token"), seen > token {
            throw LockError.staleToken(resource: resource, token: token, seen: seen)
        }
        return try row?.integer("charged") ?? 0
    }

    /// Forgets the tokens of a namespace's things, with the things.
    /// - Throws: `DatabaseError`.
    package func forgetFences(namespace: String) throws {
        try execute("DELETE FROM cluster_fence WHERE namespace = ?", [.text(namespace)])
    }
}
