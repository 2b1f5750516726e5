/// Why something did not come over SSH.
package struct SSHFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is told apart; the raw value is for figures.
    package enum Kind: String, Sendable, Hashable {
        /// The server proved itself by another key than it should.
        case hostKey = "ssh_host_key"
        /// The server does not take this side's key.
        case key = "ssh_key"
        /// No connection, or it broke.
        case unreachable = "ssh_unreachable"
        /// There is no program `ssh` that works here.
        case program = "ssh_program"
        /// The server answered with a sentence instead.
        case refused = "ssh_refused"
    }

    /// What it is.
    package let kind: Kind
    /// `host:port`.
    package let address: String
    /// What was said, by ssh or by the server.
    package let said: String

    /// Names the facts.
    package init(_ kind: Kind, at address: String, _ said: String) {
        self.kind = kind
        self.address = address
        self.said = said
    }

    /// What the end of the program `ssh` means.
    init(_ status: ExitStatus, _ standardError: String, at address: String) {
        let lines = standardError.split(whereSeparator: \.isNewline).filter { $0.contains { $0 != "@" } }
        let text = lines.suffix(4).joined(separator: "; ")
        let said = text.isEmpty ? "ssh ended with \(status)" : RemoteComplaint.cut(text, toBytes: 600)
        // ssh ends with 255 for reasons of its own, and otherwise as the command there did.
        guard status == .exited(255) else {
            self.init(status.isSignal ? .unreachable : .refused, at: address, said)
            return
        }
        let kind = Self.signs.first { standardError.contains($0.text) }?.kind ?? .unreachable
        self.init(kind, at: address, said)
    }

    private static let signs: [(text: String, kind: Kind)] = [
        ("Host key verification failed", .hostKey), ("Permission denied", .key),
        ("Too many authentication failures", .key), ("No user exists for uid", .program),
        ("UNPROTECTED PRIVATE KEY FILE", .program), ("Bad configuration option", .program),
    ]

    /// A clause without what to do.
    package var description: String {
        switch kind {
        case .hostKey: "the SSH server at \(address) shows another host key than the upstream tells (\(said))"
        case .key: "the SSH server at \(address) does not take this mirror's key (\(said))"
        case .unreachable: "\(address) cannot be reached over SSH (\(said))"
        case .program: "ssh does not work on this machine (\(said))"
        case .refused: "the SSH server at \(address) answers: \(said)"
        }
    }
}

extension ExitStatus {
    fileprivate var isSignal: Bool { if case .signalled = self { true } else { false } }
}
