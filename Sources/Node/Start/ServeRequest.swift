import Hosting

/// What `perigee serve` was asked to do.
package struct ServeRequest: Sendable {
    /// The home directory; an absolute path.
    package var home: String
    /// The shared home when it is elsewhere; an absolute path.
    package var sharedHome: String?
    /// The texts of `--property`, each `key=value`.
    package var overrides: [String]
    /// The process' environment.
    package var environment: [String: String]

    /// Takes the command line's parts.
    package init(home: String, sharedHome: String?, overrides: [String], environment: [String: String]) {
        self.home = home
        self.sharedHome = sharedHome
        self.overrides = overrides
        self.environment = environment
    }

    var layout: HomeLayout { HomeLayout(home: home, sharedHome: sharedHome) }
}
