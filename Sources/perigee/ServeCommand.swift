import ArgumentParser
import FoundationEssentials
import Node

/// `perigee serve`: runs a node in the foreground until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run a node in the foreground.",
        discussion: """
            Configuration is read from shared/perigee.properties in the home, then from environment \
            variables (PERIGEE_SERVER_PORT sets server.port), then from --property; the last one given holds.
            """)

    @Option(help: "The home directory; made when it is missing. Default: the environment's PERIGEE_HOME.")
    var home: String?

    @Option(name: .customLong("shared-home"), help: "The shared home, if it is not HOME/shared.")
    var sharedHome: String?

    @Option(
        name: .customLong("property"),
        help: ArgumentHelp("Set a configuration key; repeat for more.", valueName: "key=value"))
    var properties: [String] = []

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let home = home ?? environment["PERIGEE_HOME"], !home.isEmpty else {
            throw ValidationError("Missing expected argument '--home <home>'")
        }
        let request = ServeRequest(
            home: AbsolutePath.of(home),
            sharedHome: (sharedHome ?? environment["PERIGEE_SHARED_HOME"]).map { AbsolutePath.of($0) },
            overrides: properties, environment: environment)
        try await NodeRun(request).run()
    }
}
