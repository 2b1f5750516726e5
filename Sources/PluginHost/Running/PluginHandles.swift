import LuaRuntime
package import Portable
import Synchronization

/// What the objects in one plugin state's hands stand for. Lua code has their numbers, which are never used
/// again.
package final class PluginHandles: Sendable {
    private struct OfRun {
        let id: Int64
        let object: any HostObject
        let run: UInt64
    }
    private struct State {
        /// Those that last as long as the state; the number is the place, from 1.
        var lasting: [any HostObject] = []
        /// In the order of their numbers; mostly there are a few.
        var ofRuns: [OfRun] = []
        var last: Int64 = 1 << 32

        /// Where one of a run is.
        func place(_ id: Int64) -> Int? {
            var (low, high) = (0, ofRuns.count)
            while low < high {
                let middle = (low + high) / 2
                if ofRuns[middle].id < id { low = middle + 1 } else { high = middle }
            }
            return low < ofRuns.count && ofRuns[low].id == id ? low : nil
        }
    }
    private let state = Mutex(State())

    /// Objects that last as long as the state.
    package static let lastingMax = 1_000
    /// Objects of all runs together.
    package static let ofRunsMax = 10_000

    /// None yet.
    package init() {}

    /// Keeps an object and gives what is handed to Lua code.
    /// - Parameters:
    ///   - className: The ``HostClass`` without `perigee.`.
    ///   - fields: Values of the class's fields.
    ///   - run: The run that it belongs to, ``HostCall/run``: it ends with that run, and no other run can use
    ///     it. `nil` for one that lasts as long as the plugin's state, such as one that was registered.
    /// - Throws: ``HostFailure`` of kind `.misuse` when there are too many.
    package func add(
        _ object: any HostObject, as className: String, fields: [String: PortableValue] = [:],
        run: UInt64? = nil
    ) throws -> HostHandle {
        let id = state.withLock { state -> Int64? in
            guard let run else {
                guard state.lasting.count < Self.lastingMax else { return nil }
                state.lasting.append(object)
                return Int64(state.lasting.count)
            }
            guard state.ofRuns.count < Self.ofRunsMax else { return nil }
            state.last += 1
            state.ofRuns.append(OfRun(id: state.last, object: object, run: run))
            return state.last
        }
        guard let id else { throw HostFailure.misuse("too many objects of the host are in use") }
        return HostHandle(object: .init(className: "perigee.\(className)", id: id, fields: fields))
    }

    /// The object of a number.
    /// - Parameter run: Who asks; `nil` asks for lasting ones alone.
    /// - Returns: `nil` when it has ended or belongs to another run.
    package func object(_ id: Int64, run: UInt64? = nil) -> (any HostObject)? {
        state.withLock { state in
            if id > 0, id <= state.lasting.count { return state.lasting[Int(id) - 1] }
            guard let place = state.place(id) else { return nil }
            let owner = state.ofRuns[place].run
            return owner == run || owner == Self.anyRun ? state.ofRuns[place].object : nil
        }
    }

    /// Ends an object of a run before the run ends. Unknown numbers are ignored.
    package func remove(_ id: Int64) {
        let removed = state.withLock { state in state.place(id).map { state.ofRuns.remove(at: $0) } }
        removed?.object.ended()
    }

    /// Ends what belongs to a run that is over.
    func endRun(_ run: UInt64) {
        let ended = state.withLock { state -> [any HostObject] in
            if state.ofRuns.isEmpty { return [] }
            let ended = state.ofRuns.filter { $0.run == run }.map(\.object)
            state.ofRuns.removeAll { $0.run == run }
            return ended
        }
        for object in ended { object.ended() }
    }

    /// Ends everything: the state is closed.
    func endAll() {
        let ended = state.withLock { state in
            defer { (state.lasting, state.ofRuns) = ([], []) }
            return state.ofRuns.map(\.object) + state.lasting
        }
        for object in ended { object.ended() }
    }

    /// The run of an object that a call of the host's is about: it is known when the call begins, and the
    /// object ends with the call.
    static let anyRun = UInt64.max
}
