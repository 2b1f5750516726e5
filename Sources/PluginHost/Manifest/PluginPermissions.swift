import Portable

/// What a plugin's manifest asks for under `permissions`.
package struct PluginPermissions: Sendable, Hashable {
    /// `"read"` or `"write"`.
    package enum Access: String, Sendable, Hashable, CaseIterable {
        case read
        case write
    }

    /// Event keys it may hear: `repo:refs_changed`.
    package var events: [String] = []
    /// Reading, or changing, `repositories`, `refs`, `commits`, `projects`.
    package var access: [String: Access] = [:]
    /// What it may keep in key-value storage, in bytes; `nil` for none.
    package var kvBytesMax: Int64?
    /// Whether it may judge pushes.
    package var beforePush = false
    /// Whether it may drive mirrors.
    package var mirroring = false

    /// Names that it may use, by key: `caches`, `topics`, `locks`, `jobs`, `executors`; under `routes` the
    /// endpoints, such as `GET /report/{repository}`; under `remotes` patterns of hosts.
    package var names: [String: [String]] = [:]

    /// Asks for nothing.
    package init() {}

    static let readable = ["repositories", "projects", "refs", "commits"]
    /// Keys whose value is a list of names of the plugin's own.
    package static let named = ["caches", "topics", "locks", "jobs", "executors"]
    static let writable = ["repositories", "refs"]
    /// The keys that `permissions` may have.
    package static let keysKnown =
        ["events", "before_push", "kv", "routes", "remotes", "mirroring"] + readable + named

    /// Whether a host function that needs `permission` may be called.
    package func grants(_ permission: HostPermission) -> Bool {
        switch permission.key {
        case "events": events.contains { permission == .event($0) }
        case "before_push": beforePush
        case "mirroring": mirroring
        case "kv": kvBytesMax != nil
        case "remotes":
            (names["remotes"] ?? []).contains { pattern in
                permission.name.map { HostPattern(pattern)?.matches($0) ?? false } ?? true
            }
        case let key where key == "routes" || Self.named.contains(key):
            permission.name.map { names[key]?.contains($0) ?? false } ?? (names[key] != nil)
        default:
            switch permission.level {
            case .granted, .read: access[permission.key] != nil
            case .write: access[permission.key] == .write
            }
        }
    }

    /// One text per permission, such as `kv: 16MiB`; sorted.
    package var texts: [String] {
        var texts = access.map { "\($0.key): \($0.value.rawValue)" }
        if !events.isEmpty { texts.append("events: \(events.joined(separator: ", "))") }
        if let kvBytesMax { texts.append("kv: \(SizeText.text(bytes: kvBytesMax))") }
        texts += names.map { "\($0.key): \($0.value.joined(separator: ", "))" }
        if beforePush { texts.append("before_push") }
        if mirroring { texts.append("mirroring") }
        return texts.sorted()
    }

    init(_ object: ManifestObject) throws(ManifestError) {
        try object.refuseUnknownKeys(known: Self.keysKnown, noun: "permission")
        events = try object.strings("events") ?? []
        for (index, key) in events.enumerated() where !Self.isEventKey(key) {
            throw ManifestError(
                "\(object.path("events"))[\(index)]",
                "\"\(key)\" is not an event key; they look like \"repo:refs_changed\"")
        }
        for key in Self.readable {
            guard let word = try object.string(key) else { continue }
            guard let access = Access(rawValue: word), access == .read || Self.writable.contains(key) else {
                let allowed = Self.writable.contains(key) ? "\"read\" or \"write\"" : "\"read\""
                throw ManifestError(object.path(key), "\(allowed) is expected, not \"\(word)\"")
            }
            self.access[key] = access
        }
        for key in Self.named {
            guard let names = try object.strings(key) else { continue }
            for (index, name) in names.enumerated() where !Self.isName(name) {
                throw ManifestError(
                    "\(object.path(key))[\(index)]",
                    "\"\(name)\" is not a name; they are kebab-case, such as \"branch-reports\"")
            }
            if !names.isEmpty { self.names[key] = names }
        }
        if let routes = try object.strings("routes"), !routes.isEmpty {
            for (index, text) in routes.enumerated() where !Self.isRoute(text) {
                throw ManifestError(
                    "\(object.path("routes"))[\(index)]",
                    "\"\(text)\" is not an endpoint; they look like \"GET /report/{repository}\"")
            }
            names["routes"] = routes
        }
        if let hosts = try object.strings("remotes"), !hosts.isEmpty {
            for (index, text) in hosts.enumerated() where HostPattern(text) == nil {
                throw ManifestError(
                    "\(object.path("remotes"))[\(index)]",
                    "\"\(text)\" is not a host; they look like \"git.example.com\" or \"*.example.com\"")
            }
            names["remotes"] = hosts
        }
        if let text = try object.string("kv") {
            guard let bytes = SizeText.bytes(text), bytes > 0 else {
                throw ManifestError(
                    object.path("kv"), "a size such as \"16MiB\" is expected, not \"\(text)\"")
            }
            kvBytesMax = bytes
        }
        beforePush = try object.boolean("before_push") ?? false
        mirroring = try object.boolean("mirroring") ?? false
    }

    /// Names of a plugin's caches, locks and so on: at most 100 letters, digits and `-`, a letter first.
    package static func isName(_ text: String) -> Bool {
        text.utf8.count <= 100 && text.utf8.first.map { (97...122).contains($0) } ?? false
            && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }

    /// Endpoints: a method, a blank and a path.
    static func isRoute(_ text: String) -> Bool {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        return words.count == 2 && PluginRoute.Method(rawValue: String(words[0])) != nil
            && RoutePattern(String(words[1])) != nil
    }

    /// Event keys: two or more words of letters, digits, `_`, `-` and `.`, joined by colons.
    static func isEventKey(_ text: String) -> Bool {
        let words = text.split(separator: ":", omittingEmptySubsequences: false)
        return text.utf8.count <= 150 && words.count >= 2
            && words.allSatisfy { word in
                !word.isEmpty
                    && word.utf8.allSatisfy { byte in
                        (97...122).contains(byte) || (48...57).contains(byte) || [95, 45, 46].contains(byte)
                    }
            }
    }
}
