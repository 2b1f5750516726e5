import CSSH
import Glibc

/// A host key on the disk.
struct SSHHostKeyFile: Sendable {
    /// Where the private half is.
    let path: String
    /// What clients see of it.
    let fact: SSHHostKeyFact
}

/// What everybody may know of a host key.
package struct SSHHostKeyFact: Sendable, Hashable {
    /// Its kind, such as `ssh-ed25519`.
    package let algorithm: String
    /// The public key in base64, as `known_hosts` has it.
    package let text: String
    /// `SHA256:` and 43 digits of base64.
    package let fingerprint: String
}

/// The host keys of the server, in the home that its nodes share: whichever node starts first makes them.
///
/// Made under a lock, and put in their place by a link, which fails where there is one already: where the
/// lock does not reach other machines, the first node's keys still are everybody's.
struct SSHHostKeys {
    /// The folder; made when it is missing.
    let folder: String

    private static let kinds: [(name: String, type: ssh_keytypes_e, bits: CInt)] = [
        ("ed25519", SSH_KEYTYPE_ED25519, 0), ("rsa", SSH_KEYTYPE_RSA, 3072),
    ]

    /// The keys, made first where they are missing. Blocks: an RSA key takes about a second to make.
    func load() throws(SSHDoorError) -> [SSHHostKeyFile] {
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw problem(folder) }
        let lockPath = "\(folder)/lock"
        let lock = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw problem(lockPath) }
        defer { close(lock) }
        while flock(lock, LOCK_EX) != 0 {
            guard errno == EINTR else { throw problem(lockPath) }
        }
        var keys: [SSHHostKeyFile] = []
        for kind in Self.kinds {
            let path = "\(folder)/host_\(kind.name)"
            if access(path, F_OK) != 0 { try make(kind.type, bits: kind.bits, at: path) }
            keys.append(SSHHostKeyFile(path: path, fact: try Self.fact(of: path)))
        }
        return keys
    }

    private func make(_ type: ssh_keytypes_e, bits: CInt, at path: String) throws(SSHDoorError) {
        var made: ssh_key?
        guard ssh_pki_generate(type, bits, &made) == SSH_OK, let made else {
            throw .hostKey(path: path, reason: "it cannot be made")
        }
        defer { ssh_key_free(made) }
        var text: UnsafeMutablePointer<CChar>?
        guard ssh_pki_export_privkey_base64(made, nil, nil, nil, &text) == SSH_OK, let text else {
            throw .hostKey(path: path, reason: "it cannot be written as text")
        }
        defer {
            memset(text, 0, strlen(text))
            ssh_string_free_char(text)
        }
        let draft = "\(path).\(getpid()).tmp"
        unlink(draft)
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw problem(draft) }
        defer {
            close(file)
            unlink(draft)
        }
        let length = strlen(text)
        guard write(file, text, length) == length, fsync(file) == 0 else { throw problem(draft) }
        guard link(draft, path) == 0 || errno == EEXIST else { throw problem(path) }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw problem(folder) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw problem(folder) }
    }

    private static func fact(of path: String) throws(SSHDoorError) -> SSHHostKeyFact {
        var key: ssh_key?
        guard ssh_pki_import_privkey_file(path, nil, nil, nil, &key) == SSH_OK, let key else {
            throw .hostKey(path: path, reason: "it is no private key without a passphrase")
        }
        defer { ssh_key_free(key) }
        var text: UnsafeMutablePointer<CChar>?
        guard ssh_pki_export_pubkey_base64(key, &text) == SSH_OK, let text,
            let fingerprint = SSHFingerprint.text(of: key)
        else { throw .hostKey(path: path, reason: "its public half cannot be read") }
        defer { ssh_string_free_char(text) }
        let algorithm = ssh_key_type_to_char(ssh_key_type(key)).map { String(cString: $0) } ?? ""
        return SSHHostKeyFact(algorithm: algorithm, text: String(cString: text), fingerprint: fingerprint)
    }

    private func problem(_ path: String) -> SSHDoorError {
        .hostKey(path: path, reason: String(cString: strerror(errno)))
    }
}

/// The short form of a public key.
enum SSHFingerprint {
    /// `SHA256:` and 43 digits of base64, as `ssh-keygen -l` prints it; nil when the library has none.
    static func text(of key: ssh_key) -> String? {
        var hash: UnsafeMutablePointer<UInt8>?
        var length = 0
        guard ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &length) == SSH_OK else {
            return nil
        }
        defer { ssh_clean_pubkey_hash(&hash) }
        guard let hash, let text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length) else {
            return nil
        }
        defer { ssh_string_free_char(text) }
        return String(cString: text)
    }
}

extension SSHShownKey {
    /// nil when the library cannot write the key down.
    init?(_ key: ssh_key) {
        var text: UnsafeMutablePointer<CChar>?
        guard let fingerprint = SSHFingerprint.text(of: key),
            let algorithm = ssh_key_type_to_char(ssh_key_type(key)),
            ssh_pki_export_pubkey_base64(key, &text) == SSH_OK, let text
        else { return nil }
        defer { ssh_string_free_char(text) }
        self.init(
            fingerprint: fingerprint, algorithm: String(cString: algorithm), text: String(cString: text))
    }
}
