import Synchronization

/// The endpoints of the plugins that run on this node.
package final class RouteTable: Sendable {
    private struct Entry {
        let number: Int
        let route: PluginRoute
    }

    private struct State {
        var entries: [String: [Entry]] = [:]
        var last = 0
        var running: [String: Int] = [:]
        var isWhole: Bool
    }

    /// What there is for a request.
    package enum Found: Sendable {
        /// This endpoint, with the parameters of the path.
        case route(PluginRoute, parameters: [String: String])
        /// The path exists for these methods alone.
        case otherMethods([String])
        /// Nothing yet: plugins are about to add theirs.
        case notYet
        /// Nothing.
        case nothing
    }

    /// How many requests one plugin answers at the same time.
    package static let runningMax = 64
    private let state: Mutex<State>

    /// None yet.
    /// - Parameter isWhole: Whether what is not there will not come either; else ``noteWhole()`` says when.
    package init(isWhole: Bool = true) {
        state = Mutex(State(isWhole: isWhole))
    }

    /// All plugins that start with the node have added theirs.
    package func noteWhole() { state.withLock { $0.isWhole = true } }

    /// Adds an endpoint. One for the same requests that was there before is asked no more, and is back when
    /// this one goes.
    /// - Returns: Its number.
    package func add(_ route: PluginRoute, plugin: String) -> Int {
        state.withLock { state in
            state.last += 1
            state.entries[plugin, default: []].append(Entry(number: state.last, route: route))
            return state.last
        }
    }

    /// Removes an endpoint.
    package func remove(_ number: Int, plugin: String) {
        state.withLock { state in
            state.entries[plugin]?.removeAll { $0.number == number }
            if state.entries[plugin]?.isEmpty == true { state.entries[plugin] = nil }
        }
    }

    /// The endpoint for a request.
    /// - Parameters:
    ///   - method: `GET` and so on.
    ///   - path: The parts of the path below the plugin's own, decoded.
    package func find(plugin: String, method: String, path: [String]) -> Found {
        let entries = state.withLock { $0.entries[plugin] ?? [] }
        let fitting = entries.compactMap { entry in
            entry.route.pattern.match(path).map { (entry: entry, parameters: $0) }
        }
        let wanted = fitting.filter { $0.entry.route.method.rawValue == method }
        let best = wanted.max { left, right in
            let (left, right) = (left.entry, right.entry)
            if right.route.pattern.isMoreSpecific(than: left.route.pattern) { return true }
            if left.route.pattern.isMoreSpecific(than: right.route.pattern) { return false }
            return left.number < right.number
        }
        if let best { return .route(best.entry.route, parameters: best.parameters) }
        let others = Set(fitting.map { $0.entry.route.method.rawValue })
        guard others.isEmpty else { return .otherMethods(others.sorted()) }
        return state.withLock(\.isWhole) ? .nothing : .notYet
    }

    /// Runs a body as one of the requests that a plugin answers.
    /// - Returns: `nil` when there are too many already.
    package func running<Value: Sendable>(
        plugin: String, _ body: () async throws -> Value
    ) async rethrows -> Value? {
        let isAdmitted = state.withLock { state in
            let count = state.running[plugin] ?? 0
            guard count < Self.runningMax else { return false }
            state.running[plugin] = count + 1
            return true
        }
        guard isAdmitted else { return nil }
        defer {
            state.withLock { state in
                let count = state.running[plugin] ?? 1
                state.running[plugin] = count > 1 ? count - 1 : nil
            }
        }
        return try await body()
    }
}
