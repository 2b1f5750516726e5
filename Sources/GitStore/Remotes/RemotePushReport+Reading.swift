import Portable

extension RemotePushReport {
    /// Reads what `git push --porcelain` wrote.
    /// - Parameter errors: Its standard error: its own complaints, and what the remote says.
    init(porcelain: String, status: ExitStatus, isLate: Bool, errors: String, of push: RemotePush) {
        self.init(outcome: .pushed)
        for line in porcelain.split(separator: "\n") { read(line, push.login) }
        let texts = RemoteComplaint(push.login.redacted(errors))
        said = texts.said
        if isLate {
            (outcome, message) = (.timeout, "the push took longer than \(push.timeout)")
        } else if status.isSuccess {
            outcome = .pushed
        } else if let first = refs.first(where: { $0.change == .rejected }) {
            let count = refs.count { $0.change == .rejected }
            outcome = .rejected
            message =
                "the remote did not take \(first.name)\(count > 1 ? " and \(count - 1) more" : "")"
                + (first.reason.map { ": \($0)" } ?? "")
        } else {
            (outcome, message) = texts.judged(status, host: push.address.host)
        }
    }

    /// A line is a flag, `from:to` and a summary, parted by tabs.
    private mutating func read(_ line: Substring, _ login: RemoteLogin) {
        let fields = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0].utf8.count == 1, let colon = fields[1].firstIndex(of: ":") else {
            return
        }
        var ref = Ref(name: String(fields[1][fields[1].index(after: colon)...]), change: .updated)
        switch fields[0] {
        case "=":
            unchanged += 1
            return
        case "*": ref.change = .created
        case " ", "+":
            ref.change = fields[0] == "+" ? .forced : .updated
            let hashes = fields[2].prefix { $0 != " " }.split(separator: ".")
            ref.from = hashes.first.flatMap { ObjectID(String($0)) }
            ref.to = hashes.last.flatMap { ObjectID(String($0)) }
        case "-": ref.change = .deleted
        case "!":
            ref.change = .rejected
            ref.reason = Self.reason(login.redacted(String(fields[2])))
        default: return
        }
        refs.append(ref)
    }

    /// What stands in parentheses behind `[remote rejected]`, or all of it.
    private static func reason(_ summary: String) -> String {
        guard let open = summary.firstIndex(of: "("), summary.hasSuffix(")") else {
            return RemoteComplaint.cut(summary, toBytes: 300)
        }
        return RemoteComplaint.cut(
            String(summary[summary.index(after: open)...].dropLast()), toBytes: 300)
    }
}

/// The standard error of a push, its secrets taken out.
struct RemoteComplaint {
    /// What the remote said, without git's prefix.
    let said: String
    private let own: [Substring]

    init(_ text: String) {
        let lines = text.split(separator: "\n")
        let prefix = "remote: "
        said = Self.cut(
            lines.filter { $0.hasPrefix(prefix) }.map { line in
                String(line.dropFirst(prefix.count).reversed().drop { $0 == " " }.reversed())
            }.joined(separator: "\n"), toBytes: 2_000)
        own = lines.filter { !$0.hasPrefix("remote:") }
    }

    /// What git and ssh write, in the order in which it decides.
    private static let signs: [(text: String, outcome: RemotePushReport.Outcome, message: String)] = [
        ("Host key verification failed", .untrusted, "the host key is none of those given"),
        ("certificate", .untrusted, "the certificate is not one to believe"),
        ("SSL", .untrusted, "there is no trusted TLS connection"),
        ("terminal prompts disabled", .unauthorized, "the remote asks for other credentials"),
        ("Authentication failed", .unauthorized, "the remote does not accept the credentials"),
        ("Permission denied", .unauthorized, "the remote does not accept the key"),
        ("returned error: 401", .unauthorized, "the remote does not accept the credentials"),
        ("returned error: 403", .unauthorized, "the credentials may not push there"),
        ("returned error: 404", .notFound, "there is no such repository for these credentials"),
        ("not found", .notFound, "there is no such repository for these credentials"),
        ("does not appear to be a git repository", .notFound, "there is no git repository"),
        ("returned error: 30", .redirected, "the remote redirects elsewhere; set the URL it leads to"),
        ("unable to update url base", .redirected, "the remote redirects elsewhere; set the URL it leads to"),
        ("Could not resolve", .unreachable, "the name is not known"),
        ("Failed to connect", .unreachable, "no connection"),
        ("Couldn't connect", .unreachable, "no connection"),
        ("Connection refused", .unreachable, "the connection is refused"),
        ("Connection timed out", .unreachable, "no answer"),
        ("No route to host", .unreachable, "no route"),
        ("Network is unreachable", .unreachable, "no route"),
        ("Connection reset", .unreachable, "the connection broke"),
        ("Connection closed", .unreachable, "the connection was closed"),
        ("Empty reply", .unreachable, "the connection was closed"),
        ("Operation too slow", .unreachable, "the remote went silent"),
        ("returned error: 5", .unreachable, "the remote has trouble of its own"),
        ("early EOF", .unreachable, "the connection broke"),
        ("hung up unexpectedly", .unreachable, "the connection broke"),
    ]

    /// How a push ended that named no ref.
    func judged(_ status: ExitStatus, host: String) -> (RemotePushReport.Outcome, String) {
        let text = Self.cut(own.suffix(4).joined(separator: "; "), toBytes: 600)
        for sign in Self.signs where own.contains(where: { $0.contains(sign.text) }) {
            return (sign.outcome, "\(host): \(sign.message) (\(text))")
        }
        return (.failed, "git push: \(status)" + (text.isEmpty ? "" : ": \(text)"))
    }

    static func cut(_ text: String, toBytes bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        return String(decoding: text.utf8.prefix(bytesMax), as: UTF8.self) + "..."
    }
}
