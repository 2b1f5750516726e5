/// How a process ended.
package enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    /// It returned this code, 0 to 255.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)

    /// Whether it returned 0.
    package var isSuccess: Bool { self == .exited(0) }

    /// `exit code 1` or `signal 15`.
    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "signal \(signal)"
        }
    }
}
