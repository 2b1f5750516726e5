import ArgumentParser
import Node

/// `perigee serve`: runs a node in the foreground until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run a node in the foreground.",
        discussion: """
            The home is made when it is missing.
            Configuration is read from shared/perigee.properties in the home, then from environment \
            variables (PERIGEE_SERVER_PORT sets server.port), then from --property; the last one given holds.
            """)

    @OptionGroup var options: ServeOptions

    func run() async throws {
        try await NodeRun(try options.request()).run()
    }
}
