/// Why cases could not be run; each description is a sentence for the operator.
package enum ConformanceError: Error, Sendable, CustomStringConvertible {
    /// No cases are in the folder.
    case noCases(folder: String)
    /// A case's header cannot be used.
    case badCase(name: String, problem: String)
    /// A file or folder cannot be written.
    case unwritable(path: String, reason: String)
    /// A program could not be run, or failed.
    case program(name: String, reason: String)
    /// The node of its own did not come up.
    case noNode(detail: String)
    /// The well-behaved plugin heard nothing, or the node answers no more.
    case witness(problem: String)

    package var description: String {
        switch self {
        case .noCases(let folder): "there are no cases in \(folder). Name their folder by --cases."
        case .badCase(let name, let problem): "case \(name): \(problem)"
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .program(let name, let reason): "\(name): \(reason)"
        case .noNode(let detail): "the node of the test did not come up: \(detail)"
        case .witness(let problem): problem
        }
    }
}
