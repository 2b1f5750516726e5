/// What a plugin registered while its main chunk ran.
struct PluginRegistrations: Sendable {
    /// Handlers by event key, in the order they were registered.
    var events: [String: [PluginCallback]] = [:]
    /// Handlers that judge pushes, in order.
    var pushes: [PluginCallback] = []
    /// Run once the node serves, in order.
    var starts: [PluginCallback] = []
    /// Run before the plugin ends, in order.
    var stops: [PluginCallback] = []
    /// Run after the settings of the server changed, in order.
    var settingChanges: [PluginCallback] = []
    /// Run after the settings of a repository changed, in order.
    var repositorySettingChanges: [PluginCallback] = []
    /// Begun when the state serves, in order.
    var offers: [PluginOffer] = []
    /// One text per registration, for `perigee plugin show`.
    var texts: [String] = []

    /// The most registrations of one plugin.
    static let countMax = 1_000
}
