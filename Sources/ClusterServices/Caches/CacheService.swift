package import Logging
package import SharedDatabase
import Synchronization

/// The caches of a node: regions by namespace and name, and what is needed for the other nodes to hear of
/// changes.
package final class CacheService: Sendable {
    private struct State {
        var regions: [String: CacheRegion] = [:]
        var tasks: [Task<Void, Never>] = []
        var isListening = false
    }
    private let state = Mutex(State())
    private let database: SharedDatabase
    private let logger: Logger
    private let stream = CacheStream()
    private let writer: CacheWriter
    /// Tells the nodes apart; of this object alone.
    private let source = Int64.random(in: 1 ... .max)
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation
    private let speech: AsyncStream<Void>
    private let prompt: AsyncStream<Void>.Continuation

    private static let beat: Duration = .seconds(1)
    /// Caches of one namespace.
    package static let regionsMax = 100
    /// What the caches of one namespace may hold on a node, together.
    package static let bytesMax = 256 << 20

    /// The tables that it needs, for ``SharedDatabase/migrate(_:)``.
    package static let migrations: [Migration] = ClusterMigrations.caches

    /// - Parameter database: Must have been migrated before ``start()``.
    package init(database: SharedDatabase, logger: Logger = Logger(label: "perigee.cache")) {
        self.database = database
        self.logger = logger
        writer = CacheWriter(database: database, source: source, logger: logger)
        (bell, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        (speech, prompt) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Listens from here on. Caches that others share are empty, and cannot be changed, before.
    package func start() {
        state.withLock { state in
            guard state.tasks.isEmpty else { return }
            state.tasks = [
                Task { [weak self] in await self?.listen() },
                Task { [writer] in await writer.run() },
                Task { [weak self] in await self?.follow() },
                Task { [weak self] in await self?.speak() },
                Task { [weak self] in await self?.tick() },
            ]
        }
    }

    /// Ends everything; caches are empty afterwards.
    package func stop() async {
        writer.close()
        ring.finish()
        prompt.finish()
        let (tasks, regions) = state.withLock { state in
            defer { (state.tasks, state.regions) = ([], [:]) }
            return (state.tasks, Array(state.regions.values))
        }
        for region in regions { region.close() }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    /// The cache of a name: the one that is open, unless it is to behave in another way; then that one is
    /// closed and a new one is made.
    /// - Parameters:
    ///   - namespace: Whose it is; names of different namespaces have nothing in common.
    ///   - name: At most 200 bytes.
    /// - Returns: `nil` when the namespace has too many, or they could hold too much.
    package func region(namespace: String, name: String, settings: CacheSettings) -> CacheRegion? {
        let key = "\(namespace)/\(name)"
        let (region, old) = state.withLock { state -> (CacheRegion?, CacheRegion?) in
            let old = state.regions[key]
            if let old, old.settings == settings { return (old, nil) }
            let count = state.regions.values.count { $0.namespace == namespace }
            let bytes = state.regions.values.reduce(settings.bytesMax) { sum, region in
                region.namespace == namespace && region !== old ? sum + region.settings.bytesMax : sum
            }
            guard old != nil || count < Self.regionsMax, bytes <= Self.bytesMax else { return (nil, nil) }
            let made = CacheRegion(
                namespace: namespace, name: name, settings: settings, stream: stream, writer: writer)
            state.regions[key] = made
            return (made, old)
        }
        old?.close()
        if settings.mode != .local {
            ring.yield()
            prompt.yield()
        }
        return region
    }

    /// Closes the caches of a namespace on this node.
    package func release(namespace: String) {
        let closed = state.withLock { state in
            let closed = state.regions.filter { $0.value.namespace == namespace }
            for key in closed.keys { state.regions[key] = nil }
            return Array(closed.values)
        }
        for region in closed { region.close() }
    }

    /// The caches that are open here, by namespace and name.
    package var regions: [CacheRegion] {
        state.withLock { $0.regions.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// Returns when a cache knows where it is in the stream, so that it keeps what it is given; `false` when
    /// that takes longer than `limit`.
    package func waitUntilSettled(_ region: CacheRegion, within limit: Duration = .seconds(10)) async -> Bool
    {
        let end = CacheClock.now + CacheClock.nanoseconds(limit)
        while !region.isUsable(CacheClock.now) {
            guard CacheClock.now < end, !Task.isCancelled else { return false }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return true
    }

    // MARK: - Hearing

    private func listen() async {
        while !Task.isCancelled {
            do {
                let signals = try await database.signals(of: [CacheSignal.channel])
                resume()
                for await signal in signals {
                    switch signal {
                    case .notification(_, let payload): hear(payload)
                    case .interrupted: interrupt()
                    case .resumed: resume()
                    }
                }
            } catch {
                logger.warning("caches do not hear other nodes", metadata: ["error": "\(error)"])
            }
            interrupt()
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    private func hear(_ payload: String) {
        guard let signal = CacheSignal(payload) else {
            // What another version says is not understood: it may have been about anything.
            return interruptRegions()
        }
        for change in signal.changes {
            let region = state.withLock { $0.regions[change.region] }
            if let region, region.hear(change, isOwn: signal.source == source) { ring.yield() }
        }
        if signal.source == source { stream.hear(signal.stamp) }
    }

    private func interrupt() {
        stream.interrupt()
        state.withLock { $0.isListening = false }
        interruptRegions()
    }

    private func interruptRegions() {
        for region in regions { region.doubt() }
        ring.yield()
    }

    private func resume() {
        // Whatever was stored between an interruption and now may be old.
        for region in regions { region.doubt() }
        state.withLock { $0.isListening = true }
        ring.yield()
        prompt.yield()
    }

    // MARK: - Reading rows

    /// Brings regions to where the stream is, and reads values that others have stored.
    private func follow() async {
        for await _ in bell {
            for region in regions where region.settings.mode != .local {
                guard state.withLock({ $0.isListening }) else { break }
                do {
                    try await region.catchUp(database)
                } catch {
                    logger.warning(
                        "a cache waits for the database",
                        metadata: ["cache": "\(region.fullName)", "error": "\(error)"])
                }
            }
        }
    }

    // MARK: - Speaking

    private func tick() async {
        while !Task.isCancelled {
            writer.giveUp(now: CacheClock.now)
            // Regions that could not be brought to where the stream is are tried again.
            ring.yield()
            prompt.yield()
            try? await Task.sleep(for: Self.beat)
        }
    }

    private func speak() async {
        for await _ in speech { await say() }
    }

    /// Says something, so as to hear it.
    private func say() async {
        let isNeeded = state.withLock { state in
            state.isListening && state.regions.values.contains { $0.settings.mode != .local }
        }
        guard isNeeded else { return }
        let signal = CacheSignal(source: source, stamp: CacheClock.now)
        do {
            for payload in try signal.payloads() {
                try await database.notify(CacheSignal.channel, payload)
            }
        } catch {
            logger.debug("a cache's beat was not sent", metadata: ["error": "\(error)"])
        }
    }
}
