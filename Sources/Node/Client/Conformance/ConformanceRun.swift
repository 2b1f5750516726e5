import FoundationEssentials
import Portable

/// Runs hostile cases on a node, one after another, and looks at what became of each and of its neighbours.
package struct ConformanceRun: Sendable {
    /// What became of a case.
    package struct Result: Sendable {
        /// The case's name.
        package let name: String
        /// How it may end.
        package let expected: String
        /// How it ended, with what else was not as it should be.
        package let got: String
        /// From the request to load it until its end was known.
        package let took: Duration
        /// CPU time of its Lua code, in milliseconds.
        package let cpuMilliseconds: Int64
        /// Whether all was as expected.
        package let isGood: Bool
    }

    private let client: NodeClient
    private let suite: ConformanceSuite
    private let installed: String
    private let witness: ConformanceWitness
    private let folder: String
    private let slack: Duration

    /// - Parameter sharedHome: The node's shared home, where plugins are installed.
    /// - Parameter slack: Added to the CPU time that a case may have, for busy machines.
    /// - Throws: ``ConformanceError/unwritable(path:reason:)``.
    package init(
        client: NodeClient, suite: ConformanceSuite, sharedHome: String, slack: Duration = .zero
    ) throws {
        self.client = client
        self.suite = suite
        self.slack = slack
        installed = "\(sharedHome)/plugins/installed-plugins"
        folder =
            FileManager.default.temporaryDirectory.path + "/perigee-conformance-"
            + SystemFile.randomHexadecimal(bytes: 8)
        witness = ConformanceWitness(client: client, folder: folder)
        try Self.makeFolder(folder)
    }

    /// Runs every case, telling of each when it has ended.
    /// - Returns: How many were not as expected.
    /// - Throws: ``ConformanceError``, `NodeClientError`, when the node itself or its other plugin fails.
    package func run(_ tell: (Result) -> Void) async throws -> Int {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            let bad = try await runAll(tell)
            await removeAll()
            return bad
        } catch {
            await removeAll()
            throw error
        }
    }

    private func runAll(_ tell: (Result) -> Void) async throws -> Int {
        try install(ConformanceWitness.pluginID, witness.manifest, ["main.lua": witness.source])
        try await client.change(ConformanceWitness.pluginID, .reload)
        try await witness.prepare()
        var bad = 0
        for (number, one) in suite.cases.enumerated() {
            let result = try await run(one, number: number)
            if !result.isGood { bad += 1 }
            tell(result)
        }
        try await witness.serveGit()
        return bad
    }

    private func removeAll() async {
        await witness.remove()
        for id in suite.cases.map(\.pluginID) + [ConformanceWitness.pluginID] { try? await remove(id) }
    }

    private func run(_ one: ConformanceCase, number: Int) async throws -> Result {
        try install(
            one.pluginID, one.manifest, suite.library.merging(["main.lua": one.source]) { _, main in main })
        // While the case runs, the other plugin must be served.
        let branch = "case-\(number)-\(one.pluginID.suffix(40))"
        async let meeting: Void = witness.meet(branch)
        let start = ContinuousClock.now
        try await load(one.pluginID)
        if one.phase == .stop { try await client.change(one.pluginID, .disable) }
        let plugin = try await client.plugin(one.pluginID)
        let took = start.duration(to: .now)
        try await meeting
        let ending = Self.ending(of: plugin)
        let problems = try await problems(one, plugin)
        try await remove(one.pluginID)
        let fits = one.endings.contains { $0.fits(ending) }
        return Result(
            name: one.name, expected: one.expected,
            got: ([ending.description] + problems).joined(separator: "; "),
            took: took, cpuMilliseconds: Self.cpu(plugin), isGood: fits && problems.isEmpty)
    }

    /// What is wrong beside the way in which it ended: time and memory.
    private func problems(_ one: ConformanceCase, _ plugin: PortableValue) async throws -> [String] {
        var problems: [String] = []
        if let budget = one.budgetMilliseconds {
            let late = Self.cpu(plugin) - budget
            if late > one.overMilliseconds + slack.components.seconds * 1_000 {
                problems.append("\(late) ms over its CPU time")
            }
        }
        if plugin["state"]?.stringValue == "enabled" { try await client.change(one.pluginID, .disable) }
        let heap = try await client.plugin(one.pluginID)["statistics"]?["heapBytes"]?.integerValue ?? 0
        if heap != 0 { problems.append("\(heap) bytes of heap are left") }
        return problems
    }

    /// A plugin that cannot be started is an answer like any other.
    private func load(_ id: String) async throws {
        try await reload(id, mayAnswer: 409)
    }

    /// Ends it: its package is gone. When nothing of that name is there any more, all the better.
    private func remove(_ id: String) async throws {
        try? FileManager.default.removeItem(atPath: "\(installed)/\(id)")
        try await reload(id, mayAnswer: 404)
    }

    private func reload(_ id: String, mayAnswer status: Int) async throws {
        do {
            try await client.change(id, .reload)
        } catch {
            guard case .refused(let answered, _) = error, answered == status else { throw error }
        }
    }

    private func install(_ id: String, _ manifest: PortableValue, _ files: [String: [UInt8]]) throws {
        var files = files
        files["plugin.json"] = try JSON.encode(manifest)
        let draft = "\(folder)/\(id)"
        for (name, bytes) in files {
            let path = "\(draft)/\(name)"
            try Self.makeFolder(path.lastIndex(of: "/").map { String(path[..<$0]) } ?? draft)
            do { try Data(bytes).write(to: URL(filePath: path)) } catch {
                throw ConformanceError.unwritable(path: path, reason: "\(error)")
            }
        }
        let place = "\(installed)/\(id)"
        do {
            try? FileManager.default.removeItem(atPath: place)
            try FileManager.default.copyItem(atPath: draft, toPath: place)
        } catch {
            throw ConformanceError.unwritable(path: place, reason: "\(error)")
        }
    }

    private static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ConformanceError.unwritable(path: path, reason: "\(error)")
        }
    }

    private static func ending(of plugin: PortableValue) -> ConformanceCase.Ending {
        let kills = plugin["statistics"]?["kills"]?.mapValue ?? [:]
        if let reason = kills.filter({ ($0.value.integerValue ?? 0) > 0 }).keys.sorted().first {
            return .killed(reason)
        }
        guard plugin["state"]?.stringValue == "failed" else { return .well }
        return .failed(plugin["reason"]?.stringValue ?? "")
    }

    private static func cpu(_ plugin: PortableValue) -> Int64 {
        (plugin["statistics"]?["cpuNanoseconds"]?.integerValue ?? 0) / 1_000_000
    }
}
