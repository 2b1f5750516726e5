import ArgumentParser
import FoundationEssentials
import Node

/// Which home a command is about that needs no running node.
struct HomeOptions: ParsableArguments {
    @Option(help: "The home directory. Default: the environment's PERIGEE_HOME.")
    var home: String?

    @Option(name: .customLong("shared-home"), help: "The shared home, if it is not HOME/shared.")
    var sharedHome: String?

    /// The absolute paths.
    func paths() throws -> (home: String, sharedHome: String?) {
        let environment = ProcessInfo.processInfo.environment
        guard let home = home ?? environment["PERIGEE_HOME"], !home.isEmpty else {
            throw ValidationError("Missing expected argument '--home <home>'")
        }
        let shared = sharedHome ?? environment["PERIGEE_SHARED_HOME"]
        return (AbsolutePath.of(home), shared.map { AbsolutePath.of($0) })
    }
}

/// A home and its configuration, as `perigee serve` takes them.
struct ServeOptions: ParsableArguments {
    @OptionGroup var place: HomeOptions

    @Option(
        name: .customLong("property"),
        help: ArgumentHelp("Set a configuration key; repeat for more.", valueName: "key=value"))
    var properties: [String] = []

    func request() throws -> ServeRequest {
        let (home, sharedHome) = try place.paths()
        return ServeRequest(
            home: home, sharedHome: sharedHome, overrides: properties,
            environment: ProcessInfo.processInfo.environment)
    }
}
