import GitStore
import Hosting
import PluginHost
import Portable

/// `perigee.remotes`: repositories on other servers.
enum RemotesModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "remotes", summary: "Pushes repositories to other servers, with git.", notes: notes,
            records: [Records.error, Records.remotePush, Records.remoteRef], functions: [push(services)])
    }

    private static let notes = """
        The manifest names the hosts: `"remotes": ["git.example.com", "*.example.org"]`, or `["*"]` for
        every one. The operator may allow fewer (`plugin.remotes.hosts`), and says in which networks
        addresses are reached that are not public (`plugin.remotes.private-networks`); without that neither
        the server itself nor anything beside it can be reached, whatever a name leads to. Only there may
        it be plain HTTP.

        A URL begins with `https://`, `http://` or `ssh://`, and holds no password. Credentials go to git
        by files for it alone, and are taken out of everything that the remote says. Redirects are not
        followed. No configuration of the machine's is read, and nothing is asked of a terminal.

        `push` makes the remote's refs those of the repository: new ones appear, others move, also
        backwards. What is gone here goes there only when it is named in `deleted`, or with `prune`, which
        deletes whatever `refs` means and is not here; it deletes nothing while none of those refs is here.
        Since all of them are compared each time, one push makes up for many that did not work.

        A ref that was moved from an object which this server does not have is `foreign`: somebody else
        had pushed there. With `dry_run` nothing changes, and the answer says what would.

        Few pushes run at a time (`throttle.resource.remote-push`); the others wait. A push ends with the
        run that began it.
        """

    private static let options: HostType = .options(
        "RemotePushOptions",
        [
            HostField("url", .string, "Where to."),
            HostField(
                "refs", .list(.string),
                "Full names, or patterns with one `*`; `^` in front leaves out "
                    + "(default: `{ \"refs/heads/*\", \"refs/tags/*\" }`).", isOptional: true),
            HostField(
                "deleted", .list(.string), "Refs to delete there when they are not here; at most 1000.",
                isOptional: true),
            HostField(
                "prune", .boolean, "Delete all that `refs` means and is not here (default `false`).",
                isOptional: true),
            HostField(
                "force", .boolean, "Let refs there lose commits (default `true`).", isOptional: true),
            HostField("dry_run", .boolean, "Only find out (default `false`).", isOptional: true),
            HostField("username", .string, "Over HTTP: the user.", isOptional: true),
            HostField("password", .string, "Over HTTP: the password or token.", isOptional: true),
            HostField(
                "private_key", .string, "Over SSH: a private key in OpenSSH's form, without passphrase.",
                isOptional: true),
            HostField(
                "host_keys", .list(.string),
                "Over SSH: the host's public keys, as `ssh-keyscan` gives them; no others are believed.",
                isOptional: true),
            HostField(
                "certificate_authorities", .string,
                "Over HTTPS: PEM of the authorities to believe (default: the system's).", isOptional: true),
            HostField(
                "timeout", .string, "How long it may take (default `10m`; at most `1h`).", isOptional: true),
        ])

    private static func push(_ services: HostServices) -> HostFunction {
        HostFunction(
            "push", summary: "Pushes a repository's refs to a repository on another server.",
            parameters: [
                HostParameter("repository", .repository, "Which."),
                HostParameter("options", options, "Where to, and what."),
            ],
            results: [
                HostResult(
                    "result", .record("RemotePush"), "How it ended; `nil` when it was not begun.",
                    isOptional: true),
                HostResult(
                    "err", .record("Error"),
                    "`refused`: the URL, or what an operator does not allow; `not_found`: the repository is "
                        + "gone; `unavailable`.", isOptional: true),
            ],
            permission: .remotes,
            example: """
                local result, err = perigee.remotes.push(12, {
                  url = "https://git.example.com/team/app.git",
                  username = "mirror", password = perigee.config.token,
                })
                if not result then
                  perigee.log.warn(err.message)
                elseif result.outcome ~= "pushed" then
                  perigee.log.warn(result.message, { outcome = result.outcome })
                end
                """,
            body: .waiting { call in
                let options = call.options(1)
                let address = try outcome { try RemoteAddress(options["url"]?.stringValue ?? "") }
                try call.require(.named("remotes", address.host))
                let change = try changes(call, options)
                let repository = try await services.repository(call, 0)
                let outgoing = try services.require(\.hosting).outgoing
                do {
                    let report = try await outgoing.push(
                        OutgoingPushes.Request(to: address, change), of: repository)
                    return [report.luaTable]
                } catch let error as HostingError {
                    throw HostFailure.from(error)
                }
            })
    }

    private static func outcome<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as GitStoreError {
            throw HostFailure.outcome(code: .refused, message: "\(error)")
        }
    }

    /// The options but the URL.
    private static func changes(
        _ call: HostCall, _ options: PortableValue
    ) throws -> @Sendable (inout RemotePush) throws -> Void {
        let strings = { (key: String) in options[key]?.listValue?.compactMap(\.stringValue) }
        let text = options["timeout"]?.stringValue ?? "10m"
        let timeout = DurationText.milliseconds(text) ?? 0
        try call.require(
            (1...3_600_000).contains(timeout), argument: 1, "options",
            "timeout: a duration up to 1h expected, got '\(text.cut(toBytes: 40))'")
        let names = strings("deleted") ?? []
        try call.require(names.count <= 1_000, argument: 1, "options", "deleted: at most 1000 expected")
        let deleted = try names.map { name in
            guard let ref = try? RefName(name) else {
                throw HostFailure.outcome(
                    code: .refused, message: "\"\(name.cut(toBytes: 80))\" is no full name of a ref")
            }
            return ref
        }
        let selection = try strings("refs").map { patterns in
            try outcome { try RefSelection(patterns) }
        }
        var login = RemoteLogin()
        login.username = options["username"]?.stringValue ?? ""
        login.password = options["password"]?.stringValue ?? ""
        login.privateKey = options["private_key"]?.stringValue ?? ""
        login.hostKeys = strings("host_keys") ?? []
        login.certificateAuthorities = options["certificate_authorities"]?.stringValue ?? ""
        let (prune, force) = (options["prune"]?.boolValue, options["force"]?.boolValue)
        let isDryRun = options["dry_run"]?.boolValue
        return { [login] push in
            push.login = login
            push.deleted = deleted
            if let selection { push.refs = selection }
            push.prune = prune ?? false
            push.force = force ?? true
            push.isDryRun = isDryRun ?? false
            push.timeout = .milliseconds(timeout)
        }
    }
}

extension RemotePushReport {
    /// More than that is counted only.
    private static let refsMax = 500

    fileprivate var luaTable: PortableValue {
        var counts: [String: Int64] = ["unchanged": Int64(unchanged), "foreign": 0]
        for change in Ref.Change.allCases { counts[change.rawValue] = 0 }
        for ref in refs {
            counts[ref.change.rawValue, default: 0] += 1
            if ref.isForeign { counts["foreign", default: 0] += 1 }
        }
        // What somebody has to look at comes first.
        let told = refs.filter { $0.change == .rejected || $0.isForeign }
        let rest = refs.filter { !($0.change == .rejected || $0.isForeign) }
        var fields: [String: PortableValue] = [
            "outcome": .string(outcome.rawValue), "said": .string(said),
            "counts": .map(counts.mapValues { .integer($0) }),
            "refs": .list((told + rest).prefix(Self.refsMax).map(\.luaTable)),
        ]
        if let message { fields["message"] = .string(message) }
        return .map(fields)
    }
}

extension RemotePushReport.Ref {
    fileprivate var luaTable: PortableValue {
        var fields: [String: PortableValue] = [
            "id": .string(name), "change": .string(change.rawValue), "foreign": .bool(isForeign),
        ]
        if let from { fields["from"] = .string(from.hex) }
        if let to { fields["to"] = .string(to.hex) }
        if let reason { fields["reason"] = .string(reason) }
        return .map(fields)
    }
}
