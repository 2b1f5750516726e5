package import GitStore

extension SSHFailure {
    /// What to do about it, on a mirror; a sentence or two.
    package var advice: String {
        switch kind {
        case .hostKey:
            "Compare perigee admin ssh-host-keys on the upstream with what ssh-keyscan says of \(address): "
                + "another server answers there, or plugin.mirroring.fetch.ssh.url leads to one."
        case .key:
            "The upstream takes it while this mirror is accepted there. One of an older version takes none: "
                + "upgrade it, or set plugin.mirroring.fetch.transport=https."
        case .unreachable:
            "Let the firewalls pass \(address). If it is reached elsewhere, set "
                + "plugin.mirroring.fetch.ssh.url, or plugin.ssh.baseurl on the upstream."
        case .program:
            "Install the OpenSSH client, and let the node's user be one that the system knows "
                + "(getent passwd)."
        case .refused: "Look at the log of the upstream."
        }
    }
}
