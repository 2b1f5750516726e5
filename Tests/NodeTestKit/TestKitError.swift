import Foundation

/// What went wrong in the test kit itself, worded for the person who reads a failed test.
package enum TestKitError: Error, CustomStringConvertible {
    /// A system call failed.
    case system(call: String, code: Int32)
    /// A fact that was waited for did not come true in time.
    case deadline(waitedFor: String, detail: String)
    /// A command that had to succeed did not.
    case command(line: String, outcome: ProcessOutcome)
    /// The other side's bytes are not what they should be.
    case protocolViolation(String)

    package var description: String {
        switch self {
        case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
        case .deadline(let waitedFor, let detail): "waited in vain for \(waitedFor)\n\(detail)"
        case .command(let line, let outcome):
            "`\(line)` ended with \(outcome.status)\nstdout: \(outcome.output)\nstderr: \(outcome.errors)"
        case .protocolViolation(let text): text
        }
    }
}
