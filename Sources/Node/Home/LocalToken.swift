import Glibc

/// The secret by which the operator at this machine, who can read the home, acts as system administrator.
///
/// Made anew at each start, in `run/local-token`, readable by the node's user alone.
package enum LocalToken {
    /// Makes a token and writes it.
    static func make(run: String) throws -> String {
        let token = SystemFile.randomHexadecimal(bytes: 32)
        try SystemFile.replace(path(run), with: Array(token.utf8), mode: 0o600)
        return token
    }

    /// The token of a home's `run` folder; `nil` when there is none, or when it may not be read.
    package static func read(run: String) -> String? {
        SystemFile.text(of: path(run))?.trimmingBlanks
    }

    /// Removes the token's file; nothing happens when it is not there.
    static func remove(run: String) {
        unlink(path(run))
    }

    static func path(_ run: String) -> String { "\(run)/local-token" }
}
