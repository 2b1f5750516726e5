internal import GitStore
internal import Glibc

/// What the program `ssh` reads of a mirror: its private key, and the upstream's host keys.
struct SSHLineFiles: Sendable {
    /// For this user alone; made when it is missing.
    let folder: String

    /// Writes both, each whole or not at all.
    /// - Throws: ``SSHFailure`` with ``SSHFailure/Kind/program``.
    func write(_ identity: SSHIdentity, _ hostKeys: [String], base: String) throws -> SSHLine {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw problem("make", folder) }
        let (key, hosts) = ("\(folder)/id_ed25519", "\(folder)/known_hosts")
        try write(identity.privateText, to: key)
        try write(hostKeys.map { "\(SSHLine.alias) \($0)\n" }.joined(), to: hosts)
        return try SSHLine(base: base, keyFile: key, hostsFile: hosts)
    }

    /// Anew each time: whatever its mode was, it is this user's alone.
    private func write(_ text: String, to path: String) throws {
        // Several fetches may begin at a time.
        let draft = "\(path).\(UInt64.random(in: .min ... .max)).tmp"
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw problem("make", draft) }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, rename(draft, path) == 0 else {
            let failure = problem("write", path)
            unlink(draft)
            throw failure
        }
    }

    private func problem(_ operation: String, _ path: String) -> SSHFailure {
        SSHFailure(
            .program, at: path, "cannot \(operation) \(path): \(String(cString: strerror(errno)))")
    }
}
