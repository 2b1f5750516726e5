package import GitTransport
package import HTTPServing
import Portable

/// Why a node does not start. Each description is for the operator: the fact, then one action.
package enum StartError: Error, Sendable, CustomStringConvertible {
    /// Another node runs on the same home.
    case homeInUse(home: String, processID: Int?, nodeID: String?, url: String?)
    /// A file or folder of the home cannot be used.
    case home(path: String, problem: String, action: String)
    /// The `git` program is missing or cannot be used.
    case git(String)
    /// The `perigee-hook` program is not beside this one.
    case hookMissing(searched: String)
    /// The machine's clock cannot be right.
    case clock(now: String)
    /// Anybody could change what runs as a plugin.
    case writableByAll(path: String)
    /// Repositories are there, but the database that describes them is not.
    case databaseMissing(path: String, repositories: Int)
    /// The home has repositories, and the database that is configured has nothing.
    case databaseEmpty(repositories: Int)
    /// A move of the database was cut short.
    case databaseIncomplete
    /// A file of the certificate or its key cannot be used, or they do not belong together.
    case tls(TLSFileError)
    /// The SSH door does not open.
    case ssh(SSHDoorError)
    /// The address or port cannot be used.
    case cannotListen(address: String, port: Int, reason: String)

    package var description: String {
        switch self {
        case .homeInUse(let home, let processID, let nodeID, let url):
            let process = processID.map { "process \($0)" }
            let facts = [nodeID.map { "node \($0)" }, process, url].compactMap { $0 }.joined(separator: ", ")
            return
                "the home \(home) is in use\(facts.isEmpty ? "" : " by \(facts)"). Stop that node, "
                + "or give this "
                + "one another --home."
        case .home(let path, let problem, let action):
            return "\(path): \(problem). \(action)"
        case .git(let text):
            return text
        case .hookMissing(let searched):
            return "the program perigee-hook is missing at \(searched). Install it beside perigee."
        case .clock(let now):
            return "the machine's clock says \(now), which cannot be right. Set the clock."
        case .writableByAll(let path):
            return "\(path) is writable by every user of this machine, and code is run from it. "
                + "Run chmod o-w on it."
        case .databaseMissing(let path, let repositories):
            return
                "\(path) is missing, but there are \(repositories) repositories beside it. Restore the "
                + "database from its backup; an empty one would orphan them."
        case .databaseEmpty(let repositories):
            return
                "the database is empty, but the home has \(repositories) repositories. Name their database "
                + "by database.url, or move it there with perigee database migrate-to."
        case .databaseIncomplete:
            return "the database holds an unfinished copy. Run perigee database migrate-to again, to its end."
        case .tls(let error):
            return Self.tls(error)
        case .ssh(let error):
            return Self.ssh(error)
        case .cannotListen(let address, let port, let reason):
            return "cannot listen on \(address) port \(port): \(reason). Choose others by server.address and "
                + "server.port."
        }
    }

    private static func ssh(_ error: SSHDoorError) -> String {
        switch error {
        case .listen:
            "\(error). Choose others by plugin.ssh.address and plugin.ssh.port, or set "
                + "plugin.ssh.enabled=false."
        case .hostKey: "\(error). Put the key back from a backup, or remove its file to have a new one made."
        case .noAlgorithm: "\(error). Take one off the plugin.ssh.disabled lists."
        case .library: "\(error). Install libssh 0.10, or set plugin.ssh.enabled=false."
        }
    }

    private static func tls(_ error: TLSFileError) -> String {
        let (chain, key) = (
            SettingTable.serverCertificate.name, SettingTable.serverPrivateKey.name
        )
        return switch error {
        case .certificate(let path, let problem):
            "\(chain)=\(path): \(problem). Name a PEM file of the certificate chain, the server's own first."
        case .privateKey(let path, let problem):
            "\(key)=\(path): \(problem). Name a PEM file of the certificate's private key, not encrypted."
        case .mismatch(let certificate, let privateKey):
            "\(key)=\(privateKey): is not the key of the certificate in \(chain)=\(certificate). "
                + "Name the two files that belong together."
        }
    }
}
