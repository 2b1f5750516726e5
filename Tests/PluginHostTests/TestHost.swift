import ClusterServices
import Foundation
import Logging
import PluginHost
import Portable
import SharedDatabase

/// A plugin host over a database file and plugin folders of its own.
struct TestHost {
    let host: PluginHost
    let bus: EventBus
    let tests: TestModules
    let firstParty: PluginFolder
    let installed: PluginFolder
    let database: SharedDatabase
    private let folder: PluginFolder

    /// - Parameter write: Puts plugins into the installed folder before the start.
    init(
        ceilings: PluginCeilings = PluginCeilings(), mode: String = "primary", isServing: Bool = true,
        audit: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        more: [HostModule] = [],
        firstParty writeFirstParty: (PluginFolder) throws -> Void = { _ in },
        _ write: (PluginFolder) throws -> Void
    ) async throws {
        firstParty = try PluginFolder()
        installed = try PluginFolder()
        folder = try PluginFolder()
        try writeFirstParty(firstParty)
        try write(installed)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        database = try SharedDatabase.openSQLite(path: "\(folder.path)/test.sqlite", logger: logger)
        try await database.migrate(PluginHost.migrations)
        bus = EventBus()
        tests = TestModules()
        host = PluginHost(
            configuration: PluginHostConfiguration(
                firstPartyDirectory: firstParty.path, installedDirectory: installed.path, ceilings: ceilings,
                mode: mode),
            database: database, events: bus, modules: tests.modules + more, logger: logger, audit: audit)
        await host.start()
        if isServing { await host.announceServing() }
    }

    func state(_ id: String) async -> PluginState? { await host.detail(id)?.summary.state }

    func reason(_ id: String) async -> String { await host.detail(id)?.summary.state.reason ?? "" }

    func publish(
        _ key: String, _ payload: PortableValue = [:], repository: RepositoryID? = nil
    ) async -> EventDelivery {
        let event = Event(key: key, payload: payload, repository: repository, id: UUID().uuidString)
        return await bus.publish(event).delivery()
    }

    /// Ends it, as a node does.
    func stop() async {
        await host.stop()
        await database.close()
    }
}
