import ClusterServices
import PluginHost
import Portable
import Synchronization

/// What a plugin has read and written within `perigee.kv.transaction` so far.
final class KVTransaction: Sendable {
    /// An entry as the transaction sees it; `version` is `nil` for one that it wrote itself.
    struct Entry: Sendable {
        let value: PortableValue
        let version: Int64?
    }

    private struct State {
        var reads: [String: Int64?] = [:]
        /// `nil` for an entry that it deletes.
        var writes: [String: PortableValue?] = [:]
    }

    private let state = Mutex(State())
    let call: HostCall

    init(call: HostCall) { self.call = call }

    /// The transaction that a call is made in.
    static func open(in call: HostCall) -> KVTransaction? {
        call.brackets.lazy.compactMap { $0 as? KVTransaction }.first
    }

    /// Its own write, else what is stored. A key that was read twice with different versions fails at the
    /// end.
    func read(_ key: String, from store: KeyValueStore) async throws -> Entry? {
        if let written = state.withLock({ $0.writes[key] }) {
            return written.map { Entry(value: $0, version: nil) }
        }
        let entry = try await store.fetchValue(namespace: KVModule.namespace(call), key: key)
        state.withLock { state in
            if state.reads[key] == nil { state.reads[key] = .some(entry?.version) }
        }
        return entry.map { Entry(value: $0.value, version: $0.version) }
    }

    /// Notes a write; `nil` deletes.
    func write(_ key: String, _ value: PortableValue?) {
        state.withLock { $0.writes[key] = .some(value) }
    }

    /// Makes the writes, if nothing that was read has changed.
    /// - Throws: ``HostFailure`` with code `conflict`, or what the store refuses.
    func apply(_ store: KeyValueStore) async throws {
        let (reads, writes) = state.withLock { ($0.reads, $0.writes) }
        let isDone = try await store.apply(
            namespace: KVModule.namespace(call), reads: reads,
            writes: writes.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) },
            condition: TaskCallContext.fence(of: call), quotaBytes: KVModule.quota(call))
        guard isDone else {
            throw HostFailure.outcome(
                code: .conflict, message: "something that was read has changed; try again")
        }
    }
}
