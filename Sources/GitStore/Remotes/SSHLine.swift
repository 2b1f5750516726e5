import FoundationEssentials

/// A way to a server over SSH: the program `ssh`, told all that a user's or the system's configuration might
/// say otherwise.
package struct SSHLine: Sendable, Hashable {
    /// A name, or an IP address without brackets.
    package let host: String
    /// The TCP port.
    package let port: Int
    /// The private key by which this side proves itself, for its owner alone.
    package let keyFile: String
    /// Which keys the other side may prove itself by, under the name ``alias``.
    package let hostsFile: String

    /// Under which name the file of known hosts has the other side, whatever its address is.
    package static let alias = "upstream"
    private static let folders = ["/usr/local/bin", "/usr/bin", "/bin"]

    /// - Parameter base: `ssh://git@host:port`, with a path or without.
    /// - Throws: ``GitStoreError/remoteRefused(reason:)``, ``GitStoreError/invalidName(_:)``.
    package init(base: String, keyFile: String, hostsFile: String) throws {
        let address = try Self.address(base)
        for path in [keyFile, hostsFile] where !Self.isPlain(path) { throw GitStoreError.invalidName(path) }
        host = address.host
        port = address.port
        self.keyFile = keyFile
        self.hostsFile = hostsFile
    }

    /// The address that a text means, whose path does not matter.
    /// - Throws: ``GitStoreError/remoteRefused(reason:)``.
    package static func address(_ base: String) throws -> RemoteAddress {
        let plain = base.hasSuffix("/") ? String(base.dropLast()) : base
        let address = try RemoteAddress(plain + "/mirrored")
        guard address.scheme == .ssh else {
            throw GitStoreError.remoteRefused(reason: "the URL does not begin with ssh://")
        }
        return address
    }

    /// `host:port`.
    package var shown: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// Where the program is; nil where there is none.
    static var program: String? {
        folders.map { $0 + "/ssh" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// What the program is given.
    /// - Parameter command: What is to run there; nil asks for nothing but the greeting.
    func arguments(_ command: String?) -> [String] {
        let options = [
            "User=git", "Port=\(port)", "HostKeyAlias=\(Self.alias)", "IdentityFile=\"\(keyFile)\"",
            "UserKnownHostsFile=\"\(hostsFile)\"", "GlobalKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=yes",
            "UpdateHostKeys=no", "CheckHostIP=no", "VerifyHostKeyDNS=no", "CanonicalizeHostname=no",
            "BatchMode=yes", "PreferredAuthentications=publickey", "IdentitiesOnly=yes", "IdentityAgent=none",
            "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "PermitLocalCommand=no",
            "ProxyCommand=none", "ControlMaster=no", "ControlPath=none", "SendEnv=GIT_PROTOCOL",
            "ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=4", "LogLevel=ERROR",
        ]
        return ["-F", "/dev/null", "-T"] + options.flatMap { ["-o", $0] } + ["--", host]
            + (command.map { [$0] } ?? [])
    }

    /// What the program sees of this one's environment: nothing. Its messages are in English, to be told
    /// apart.
    static let environment = [
        "PATH=\(folders.joined(separator: ":"))", "HOME=/nonexistent", "LC_ALL=C", "GIT_PROTOCOL=version=2",
    ]

    /// Whether ssh reads a path within double quotes as it is.
    private static func isPlain(_ path: String) -> Bool {
        path.hasPrefix("/")
            && !path.utf8.contains { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C || $0 == 0x25 || $0 == 0x24 }
    }
}
