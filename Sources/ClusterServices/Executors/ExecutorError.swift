/// Why an executor refuses something.
package enum ExecutorError: Error, Hashable, CustomStringConvertible {
    /// A name is empty, longer than the limit, or holds a NUL.
    case invalidName(String)
    /// A bucket is empty, longer than 256 bytes, or holds a NUL.
    case invalidBucket(String)
    /// The executor holds so many tasks that it takes no more.
    case full(name: String, tasks: Int64, limit: Int)
    /// A submission has too many tasks.
    case tooManyTasks(count: Int, limit: Int)
    /// The executor was ended, or the node stops.
    case ended(name: String)

    /// The fact as a lower-case clause.
    package var description: String {
        switch self {
        case .invalidName(let name):
            "executor name \"\(name.prefix(40))\" of \(name.utf8.count) bytes is not valid "
                + "(1 to 200 bytes without NUL)"
        case .invalidBucket(let name):
            "bucket \"\(name.prefix(40))\" of \(name.utf8.count) bytes is not valid "
                + "(1 to 256 bytes without NUL)"
        case .full(let name, let tasks, let limit):
            "executor \"\(name)\" holds \(tasks) tasks, dead letters included (limit \(limit))"
        case .tooManyTasks(let count, let limit): "\(count) tasks are submitted at once (limit \(limit))"
        case .ended(let name): "executor \"\(name)\" has ended"
        }
    }
}
