import GitStore

/// The sentence for a client whose git process ended badly without a word on the wire.
enum GitComplaint {
    /// Uses git's own last `fatal:` line unless it names a path of this machine.
    static func sentence(status: ExitStatus, standardError: String, requestID: String) -> String {
        let lines = standardError.split(separator: "\n").map { String($0) }
        let own = lines.last { $0.hasPrefix("fatal: ") } ?? lines.last { $0.hasPrefix("error: ") }
        if let own, !own.contains("/") {
            let text = own.drop { $0 != ":" }.dropFirst().drop { $0 == " " }
            return "git could not read the request: \(text.prefix(300)). Try again with a current git client."
        }
        return "git could not complete the request (\(status)). "
            + "Try again, or give the id \(requestID) to the server's administrator."
    }
}
