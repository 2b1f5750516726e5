import ClusterServices
import Logging

/// The names by which plugins have their places in the log of events.
enum PluginSubscribers {
    private static let prefix = "plugin "

    /// The name of a plugin on the bus and in the log.
    static func name(_ id: String) -> String { prefix + id }

    /// Whether a name is that of a plugin, and of none of these.
    static func isGone(_ name: String, kept: Set<String>) -> Bool {
        name.hasPrefix(prefix) && !kept.contains(String(name.dropFirst(prefix.count)))
    }
}

extension PluginHost {
    /// Removes the settings of repositories that are deleted.
    func followDeletions() async {
        let (store, logger) = (settingStore, logger)
        do {
            repositoryDeletions = try await events.subscribe(["repo:deleted"], name: "settings of plugins") {
                event in
                guard let repository = event.repository else { return }
                do {
                    try await store.remove(scope: .repository(repository))
                } catch {
                    logger.warning(
                        "settings of a deleted repository stay",
                        metadata: ["repository.id": "\(repository)", "error": "\(error)"])
                }
            }
        } catch {
            logger.warning("settings of deleted repositories stay", metadata: ["error": "\(error)"])
        }
    }

    /// Gives up the events that are kept for a plugin, since an administrator disabled or removed it.
    func forgetEvents(of id: String) async {
        let name = PluginSubscribers.name(id)
        await forgetEvents { $0 == name }
    }

    /// Gives up the events that are kept for plugins that are gone or disabled. One that failed or is in
    /// quarantine gets its events when it runs again.
    func forgetEventsOfAbsentPlugins() async {
        let kept = Set(slots.filter { $0.value.keepsEvents }.keys)
        await forgetEvents { PluginSubscribers.isGone($0, kept: kept) }
    }

    private func forgetEvents(where isGone: @escaping @Sendable (String) -> Bool) async {
        do {
            try await events.forget(where: isGone)
        } catch {
            logger.warning("events stay kept until the next start", metadata: ["error": "\(error)"])
        }
    }
}

extension PluginSlot {
    /// Whether events wait for it while it does not run.
    fileprivate var keepsEvents: Bool {
        switch state {
        case .enabled, .starting, .failed, .quarantined: true
        case .installed, .disabled: false
        }
    }
}
