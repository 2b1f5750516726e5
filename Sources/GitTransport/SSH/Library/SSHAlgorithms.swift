import CSSH

/// The algorithms that are offered, the preferred one first, under their names in the protocol.
struct SSHAlgorithms: Sendable {
    /// Key exchange.
    var keyExchange = [
        "curve25519-sha256", "curve25519-sha256@libssh.org", "diffie-hellman-group18-sha512",
        "diffie-hellman-group16-sha512",
    ]
    /// Encryption. Without chacha20 most clients take CTR, which their lists have before GCM.
    var ciphers = [
        "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr",
        "aes192-ctr", "aes128-ctr",
    ]
    /// Integrity, for the ciphers that have none of their own.
    var macs = [
        "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512",
    ]
    /// What the server proves itself by.
    var hostKeys = ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"]
    /// What clients prove themselves by.
    var userKeys = [
        "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256",
    ]

    /// All but those that are disabled.
    /// - Throws: ``SSHDoorError/noAlgorithm(kind:)``.
    init(without disabled: Set<String>) throws(SSHDoorError) {
        func keep(_ list: inout [String], _ kind: String) throws(SSHDoorError) {
            list.removeAll { disabled.contains($0) }
            if list.isEmpty { throw .noAlgorithm(kind: kind) }
        }
        try keep(&keyExchange, "key exchange")
        try keep(&ciphers, "encryption")
        try keep(&macs, "integrity")
    }

    /// What the library calls each list.
    var options: [(ssh_bind_options_e, [String])] {
        [
            (SSH_BIND_OPTIONS_KEY_EXCHANGE, keyExchange), (SSH_BIND_OPTIONS_CIPHERS_C_S, ciphers),
            (SSH_BIND_OPTIONS_CIPHERS_S_C, ciphers), (SSH_BIND_OPTIONS_HMAC_C_S, macs),
            (SSH_BIND_OPTIONS_HMAC_S_C, macs), (SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, hostKeys),
            (SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, userKeys),
        ]
    }
}
