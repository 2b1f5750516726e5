import ArgumentParser
import FoundationEssentials
import Node

/// Which node a command asks: the one on a home of this machine, or any by its address.
struct NodeOptions: ParsableArguments {
    @Option(help: "The home of a node on this machine. Default: the environment's PERIGEE_HOME.")
    var home: String?

    @Option(help: "The address of a node, such as https://git.example.org.")
    var server: String?

    @Option(help: "A token for --server. Default: the environment's PERIGEE_TOKEN.")
    var token: String?

    @Option(help: "A user's name for --server; the password is the environment's PERIGEE_PASSWORD.")
    var user: String?

    func validate() throws {
        if home != nil, server != nil { throw ValidationError("Give --home or --server, not both.") }
        if token != nil || user != nil, server == nil {
            throw ValidationError("--token and --user go with --server.")
        }
        if token != nil, user != nil { throw ValidationError("Give --token or --user, not both.") }
    }

    func client() throws -> NodeClient {
        let environment = ProcessInfo.processInfo.environment
        if let server { return try NodeClient(server: server, credentials: credentials(environment)) }
        guard let home = home ?? environment["PERIGEE_HOME"], !home.isEmpty else {
            throw ValidationError("Say which node: --home DIR or --server URL.")
        }
        return try NodeClient(home: AbsolutePath.of(home))
    }

    private func credentials(_ environment: [String: String]) throws -> NodeClient.Credentials {
        if let user {
            guard let password = environment["PERIGEE_PASSWORD"] else {
                throw ValidationError("--user needs the password in the environment's PERIGEE_PASSWORD.")
            }
            return .password(user: user, password: password)
        }
        return (token ?? environment["PERIGEE_TOKEN"]).map { .token($0) } ?? .anonymous
    }
}
