/// The environment of a `git` program: an allow-list made from nothing, and the settings that no repository
/// may change.
///
/// Settings go in as `GIT_CONFIG_KEY_n`, which git treats like `-c`: they win over the repository's own file
/// and reach the programs that git itself starts.
struct GitEnvironment {
    private var settings: [(key: String, value: String)]
    private var variables: [(name: String, value: String)]

    /// The environment of every program.
    init(configuration: GitConfiguration) {
        let folder = configuration.gitExecutable.split(separator: "/").dropLast().joined(separator: "/")
        variables = [
            ("PATH", "/\(folder):/usr/local/bin:/usr/bin:/bin"),
            ("HOME", "/nonexistent"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ALLOW_PROTOCOL", ""),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_LITERAL_PATHSPECS", "1"),
        ]
        settings = Self.always + [("core.hooksPath", configuration.hooksDirectory)]
        if let program = Self.quoted(configuration.noAlternateRefs) {
            settings.append(("core.alternateRefsCommand", program))
        }
    }

    /// Git reads `safe.directory` from here: it trusts what the command line says, since a repository cannot
    /// say it.
    private static let always: [(key: String, value: String)] = [
        ("safe.directory", "*"),
        ("safe.bareRepository", "explicit"),
        // "committed" is objects and references: without it neither small pushes nor refs reach the disk.
        ("core.fsync", "committed,reference"),
        ("core.logAllRefUpdates", "false"),
        ("transfer.fsckObjects", "true"),
        ("transfer.hideRefs", hiddenRefsPrefix),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
    ]

    /// A program's path as git hands it to a shell; nil when it cannot be written safely.
    private static func quoted(_ path: String) -> String? {
        let plain = path.utf8.allSatisfy { byte in
            switch UnicodeScalar(byte) {
            case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "-", "_", "+", ",", ":", "@": true
            default: false
            }
        }
        if plain { return path }
        return path.contains("'") ? nil : "'\(path)'"
    }

    /// Refs below this are the server's own; clients neither see nor change them.
    static let hiddenRefsPrefix = "refs/perigee"

    /// Faults that old tools put into histories which are otherwise sound; refusing them would refuse real
    /// projects.
    private static let toleratedFaults = ["badTimezone", "missingSpaceBeforeDate", "zeroPaddedFilemode"]

    /// Adds what serving fetches needs.
    mutating func serveFetches(packThreads: Int) {
        settings += [
            ("uploadpack.allowFilter", "true"),
            ("uploadpack.allowAnySHA1InWant", "false"),
            ("pack.threads", String(packThreads)),
        ]
    }

    /// Adds what serving pushes needs.
    mutating func servePushes(maxInputBytes: Int64?) {
        settings += [
            // Every push stays a pack: loose objects would each need their own fsync.
            ("receive.unpackLimit", "1"),
            ("receive.fsckObjects", "true"),
            ("receive.advertisePushOptions", "true"),
            ("receive.advertiseAtomic", "true"),
            ("receive.denyDeleteCurrent", "refuse"),
            ("receive.denyCurrentBranch", "ignore"),
            ("receive.denyDeletes", "false"),
            ("receive.denyNonFastForwards", "false"),
            ("receive.autogc", "false"),
            ("receive.updateServerInfo", "false"),
            ("receive.maxInputSize", String(max(0, maxInputBytes ?? 0))),
        ]
        settings += Self.toleratedFaults.map { ("receive.fsck.\($0)", "ignore") }
    }

    /// The faults as `git index-pack --strict` takes them.
    static var toleratedFaultList: String { toleratedFaults.map { "\($0)=ignore" }.joined(separator: ",") }

    /// Makes the program keep new objects in a folder beside the repository's own, which it can read too.
    mutating func keepObjects(in quarantine: String, besides objects: String) {
        variables.append(("GIT_OBJECT_DIRECTORY", quarantine))
        variables.append(("GIT_QUARANTINE_PATH", quarantine))
        variables.append(("GIT_ALTERNATE_OBJECT_DIRECTORIES", Self.asAlternate(objects)))
    }

    /// Adds what the hooks of one push need.
    mutating func callBack(_ hook: HookEnvironment) {
        variables.append(("PERIGEE_HOOK_SOCKET", hook.socketPath))
        variables.append(("PERIGEE_HOOK_SECRET", hook.secret))
    }

    /// Lets the program see the objects that a push has brought and that are not yet part of the repository.
    mutating func see(quarantine: String) {
        variables.append(("GIT_ALTERNATE_OBJECT_DIRECTORIES", Self.asAlternate(quarantine)))
    }

    /// A folder as git lists them: in quotes, as a colon would end the path.
    private static func asAlternate(_ path: String) -> String {
        let quoted = path.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"\(quoted)\""
    }

    /// Lets the program push by one protocol, with what the files say in place of a user's configuration.
    mutating func push(_ scheme: RemoteAddress.Scheme, _ files: RemotePushFiles, packThreads: Int) throws {
        variables.removeAll { ["GIT_ALLOW_PROTOCOL", "GIT_CONFIG_GLOBAL"].contains($0.name) }
        variables.append(("GIT_ALLOW_PROTOCOL", scheme.rawValue))
        variables.append(("GIT_CONFIG_GLOBAL", files.configurationFile))
        variables.append(("GIT_ASKPASS", ""))
        if scheme == .ssh {
            guard let file = Self.quoted(files.sshFile) else {
                throw GitStoreError.invalidName(files.sshFile)
            }
            variables.append(("GIT_SSH_COMMAND", "ssh -F \(file)"))
            variables.append(("GIT_SSH_VARIANT", "ssh"))
        }
        // Whole hashes in the report.
        settings += [("core.abbrev", "no"), ("pack.threads", String(packThreads))]
    }

    /// Passes on the protocol version that a client asks for, if it is `version=0`, `version=1` or
    /// `version=2`.
    mutating func speak(protocolVersion: String?) {
        guard let protocolVersion, ["version=0", "version=1", "version=2"].contains(protocolVersion) else {
            return
        }
        variables.append(("GIT_PROTOCOL", protocolVersion))
    }

    /// All of it, as `NAME=value`. A value with a NUL byte is left out, since it could not be passed whole.
    var list: [String] {
        var list = variables.filter { !$0.value.utf8.contains(0) }.map { "\($0.name)=\($0.value)" }
        list.append("GIT_CONFIG_COUNT=\(settings.count)")
        for (number, setting) in settings.enumerated() {
            list.append("GIT_CONFIG_KEY_\(number)=\(setting.key)")
            list.append("GIT_CONFIG_VALUE_\(number)=\(setting.value)")
        }
        return list
    }
}
