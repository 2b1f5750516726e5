/// Which bucket of which executor. Texts are the same when their bytes are, as in the database.
struct BucketKey: Hashable, Comparable, Sendable {
    let executor: Int64
    let bucket: String

    static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.executor == rhs.executor && lhs.bucket.utf8.elementsEqual(rhs.bucket.utf8)
    }

    static func < (lhs: Self, rhs: Self) -> Bool {
        if lhs.executor != rhs.executor { return lhs.executor < rhs.executor }
        return lhs.bucket.utf8.lexicographicallyPrecedes(rhs.bucket.utf8)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(executor)
        var text = bucket
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// - Throws: ``ExecutorError/invalidBucket(_:)``.
    static func check(_ bucket: String) throws(ExecutorError) {
        guard !bucket.isEmpty, bucket.utf8.count <= 256, !bucket.utf8.contains(0) else {
            throw .invalidBucket(bucket)
        }
    }
}
