import Glibc

/// Where a foreign repository is: `https://`, `http://` or `ssh://`, and nothing that could be more than an
/// address.
package struct RemoteAddress: Sendable, Hashable {
    /// How it is reached.
    package enum Scheme: String, Sendable, Hashable, CaseIterable {
        case https
        case http
        case ssh

        var port: Int {
            switch self {
            case .https: 443
            case .http: 80
            case .ssh: 22
            }
        }
    }

    /// How it is reached.
    package let scheme: Scheme
    /// Over SSH, who logs in.
    package let user: String?
    /// A name in small letters, or an IP address without brackets.
    package let host: String
    /// The TCP port.
    package let port: Int
    /// The path, beginning with a slash, as written.
    package let path: String

    /// - Throws: ``GitStoreError/remoteRefused(reason:)``; the reason never quotes the text, which may hold a
    ///   password.
    package init(_ text: String) throws {
        guard text.utf8.count <= 2_000, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw Self.refusal("has a blank, a control character or one that is not ASCII, or is too long")
        }
        guard let scheme = Scheme.allCases.first(where: { text.hasPrefix("\($0.rawValue)://") }) else {
            throw Self.refusal("does not begin with https://, http:// or ssh://")
        }
        self.scheme = scheme
        let rest = text.dropFirst(scheme.rawValue.count + 3)
        guard let slash = rest.firstIndex(of: "/"), rest[slash...].count > 1 else {
            throw Self.refusal("has no path")
        }
        path = String(rest[slash...])
        guard Self.isPath(path) else { throw Self.refusal("has a character in its path that is not allowed") }
        var authority = rest[..<slash]
        if let at = authority.lastIndex(of: "@") {
            user = String(authority[..<at])
            authority = authority[authority.index(after: at)...]
        } else {
            user = scheme == .ssh ? "git" : nil
        }
        if let user {
            guard scheme == .ssh else {
                throw Self.refusal("has a user or a password in it; give them beside the URL")
            }
            guard Self.isUser(user) else { throw Self.refusal("has a user that is not a plain name") }
        }
        (host, port) = try Self.split(authority, default: scheme.port)
    }

    /// What git is given. It holds no secret.
    package var url: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return scheme.rawValue + "://" + (user.map { $0 + "@" } ?? "") + name
            + (port == scheme.port ? "" : ":\(port)") + path
    }

    /// Whether the host is an address, which no one has to look up.
    var isLiteral: Bool { NetworkAddress(host) != nil }

    private static func refusal(_ problem: String) -> GitStoreError {
        .remoteRefused(reason: "the URL \(problem)")
    }

    private static func split(_ authority: Substring, default port: Int) throws -> (String, Int) {
        var name = authority
        var digits: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw refusal("has a host that is none") }
            name = authority[authority.index(after: authority.startIndex)..<end]
            let after = authority[authority.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw refusal("has a host that is none") }
            digits = after.isEmpty ? nil : after.dropFirst()
            guard let address = NetworkAddress(String(name)), address.isVersion6 else {
                throw refusal("has a host that is none")
            }
            return (address.text, try number(digits, default: port))
        }
        if let colon = authority.lastIndex(of: ":") {
            name = authority[..<colon]
            digits = authority[authority.index(after: colon)...]
        }
        let host = name.lowercased()
        guard isHost(host) else { throw refusal("has a host that is none") }
        return (host, try number(digits, default: port))
    }

    private static func number(_ digits: Substring?, default port: Int) throws -> Int {
        guard let digits else { return port }
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits),
            (1...65_535).contains(number)
        else { throw refusal("has a port that is none") }
        return number
    }

    /// A name whose last word cannot be read as a number, or an IPv4 address in its one plain form: what
    /// programs read differently, such as 0x7f.1, is neither.
    private static func isHost(_ text: String) -> Bool {
        let words = text.split(separator: ".", omittingEmptySubsequences: false)
        let isName = words.allSatisfy { word in
            (1...63).contains(word.utf8.count) && !word.hasPrefix("-") && !word.hasSuffix("-")
                && word.utf8.allSatisfy {
                    (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 95
                }
        }
        guard isName, text.utf8.count <= 253, let last = words.last?.utf8.first else { return false }
        return (48...57).contains(last) ? NetworkAddress(text) != nil : true
    }

    private static func isUser(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && !text.hasPrefix("-")
            && text.utf8.allSatisfy { byte in
                switch UnicodeScalar(byte) {
                case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": true
                default: false
                }
            }
    }

    /// Git decodes what is written with percent signs: control characters must not come that way either.
    private static func isPath(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() {
            switch UnicodeScalar(byte) {
            case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "_", "-", "~", "+", "@", ":", ",", "=", "!", "$",
                "&", "(", ")", ";":
                continue
            case "%":
                guard index + 2 < bytes.count,
                    let value = UInt8(
                        String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16),
                    value > 0x20, value != 0x7f
                else { return false }
            default: return false
            }
        }
        return true
    }
}
