import FoundationEssentials
import Glibc

/// What `git push` reads from files, so that no secret stands among arguments or in the environment: a folder
/// for this user alone, which is there while the push runs.
struct RemotePushFiles {
    /// What the names of these folders begin with.
    static let prefix = "push-"

    private let folder: TemporaryFolder

    /// - Parameter base: Where the folder is made.
    init(_ push: RemotePush, in base: String) throws {
        folder = try TemporaryFolder(prefix: Self.prefix, in: base)
        do {
            try write("config", try configuration(push))
            if push.address.scheme == .ssh { try writeSSH(push) }
            if !push.login.certificateAuthorities.isEmpty {
                try write("authorities", push.login.certificateAuthorities)
            }
        } catch {
            folder.remove()
            throw error
        }
    }

    /// The configuration of git, in place of a user's.
    var configurationFile: String { folder.path + "/config" }
    /// The configuration of ssh.
    var sshFile: String { folder.path + "/ssh" }

    func remove() { folder.remove() }

    private func configuration(_ push: RemotePush) throws -> String {
        guard push.address.scheme != .ssh else { return "" }
        var lines = ["[http]", "followRedirects = false", "lowSpeedLimit = 1", "lowSpeedTime = 300"]
        if push.login.hasPassword { lines.append("extraHeader = \"Authorization: \(push.login.basic)\"") }
        if !push.address.isLiteral {
            let addresses = push.resolved.map { $0.isVersion6 ? "[\($0.text)]" : $0.text }
            let pin = "\(push.address.host):\(push.address.port):\(addresses.joined(separator: ","))"
            lines.append("curloptResolve = \"\(pin)\"")
        }
        if !push.login.certificateAuthorities.isEmpty {
            lines.append("sslCAInfo = \"\(try Self.quoted(folder.path + "/authorities"))\"")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func writeSSH(_ push: RemotePush) throws {
        let keys = try push.login.hostKeys.map { try Self.hostKey($0) }
        guard !keys.isEmpty else {
            throw GitStoreError.remoteRefused(reason: "SSH needs the remote's host keys, and none are given")
        }
        guard push.login.privateKey.hasPrefix("-----BEGIN ") else {
            throw GitStoreError.remoteRefused(reason: "SSH needs a private key in OpenSSH's form")
        }
        let key = push.login.privateKey.replacing("\r\n", with: "\n")
        try write("key", key.hasSuffix("\n") ? key : key + "\n")
        try write("hosts", keys.map { "remote \($0)\n" }.joined())
        let path = try Self.quoted(folder.path)
        let lines = [
            "HostName \(push.resolved.first?.text ?? "")", "HostKeyAlias remote",
            "IdentityFile \"\(path)/key\"",
            "IdentitiesOnly yes", "IdentityAgent none", "UserKnownHostsFile \"\(path)/hosts\"",
            "GlobalKnownHostsFile /dev/null", "StrictHostKeyChecking yes", "UpdateHostKeys no",
            "CheckHostIP no", "VerifyHostKeyDNS no", "CanonicalizeHostname no", "BatchMode yes",
            "PreferredAuthentications publickey", "ForwardAgent no", "ForwardX11 no",
            "ClearAllForwardings yes",
            "PermitLocalCommand no", "ProxyCommand none", "ControlMaster no", "ControlPath none",
            "ConnectTimeout 30", "ServerAliveInterval 15", "ServerAliveCountMax 8", "LogLevel ERROR",
        ]
        try write("ssh", lines.map { $0 + "\n" }.joined())
    }

    /// The type and the key of a line, whatever stands before and after them.
    private static func hostKey(_ line: String) throws -> String {
        let words = line.split(whereSeparator: \.isWhitespace)
        for (type, key) in zip(words, words.dropFirst()) {
            let isType = ["ssh-", "ecdsa-", "sk-"].contains { type.hasPrefix($0) }
            if isType, key.hasPrefix("AAAA"), Data(base64Encoded: String(key)) != nil {
                return "\(type) \(key)"
            }
        }
        throw GitStoreError.remoteRefused(
            reason: "a host key is none; it looks like \"ssh-ed25519 AAAA...\", as ssh-keyscan gives it")
    }

    /// A path within double quotes, as git and ssh read them.
    private static func quoted(_ path: String) throws -> String {
        guard !path.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C || $0 == 0x25 }) else {
            throw GitStoreError.invalidName(path)
        }
        return path
    }

    private func write(_ name: String, _ text: String) throws {
        let path = folder.path + "/" + name
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemCall.failure("make", path) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw SystemCall.failure("write", path) }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
