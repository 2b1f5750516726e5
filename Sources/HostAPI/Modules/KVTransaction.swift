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

    private struct Write {
        /// `nil` for an entry that it deletes.
        let value: PortableValue?
        /// Of key and value.
        let bytes: Int64
    }

    private struct State {
        var reads: [String: Int64?] = [:]
        var writes: [String: Write] = [:]
        var bytes: Int64 = 0
        /// Why it can make no changes any more.
        var refusal: HostFailure?

        /// Makes room for one read or write more.
        mutating func add(isNew: Bool, _ function: String) throws {
            if let refusal { throw refusal }
            guard isNew, reads.count + writes.count >= KeyValueStore.keysMax else { return }
            let text = "\(function): a transaction reads and writes at most \(KeyValueStore.keysMax) keys"
            throw refuse(.misuse(text))
        }

        mutating func refuse(_ failure: HostFailure) -> HostFailure {
            writes = [:]
            refusal = failure
            return failure
        }
    }

    /// What a transaction may write, in bytes: it is all kept in memory.
    static let bytesMax: Int64 = 4 * 1024 * 1024

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
        let written = try state.withLock { state in
            if state.writes[key] == nil { try state.add(isNew: state.reads[key] == nil, call.function) }
            return state.writes[key]
        }
        if let written { return written.value.map { Entry(value: $0, version: nil) } }
        let entry = try await store.fetchValue(namespace: KVModule.namespace(call), key: key)
        state.withLock { state in
            if state.reads[key] == nil { state.reads[key] = .some(entry?.version) }
        }
        return entry.map { Entry(value: $0.value, version: $0.version) }
    }

    /// Notes a write; `nil` deletes.
    /// - Parameter bytes: How large the value is.
    /// - Throws: ``HostFailure`` with code `quota` when it is all too much, and for more keys than can be
    ///   changed at once: nothing of the transaction takes effect then.
    func write(_ key: String, _ value: PortableValue?, bytes: Int = 0) throws {
        let quota = KVModule.quota(call)
        let write = Write(value: value, bytes: value == nil ? 0 : Int64(key.utf8.count + bytes))
        try state.withLock { state in
            try state.add(isNew: state.writes[key] == nil, call.function)
            let total = state.bytes - (state.writes[key]?.bytes ?? 0) + write.bytes
            guard total <= Self.bytesMax else {
                let text = "a transaction writes at most \(SizeText.text(bytes: Self.bytesMax))"
                throw state.refuse(.outcome(code: .quota, message: text))
            }
            guard total <= quota else {
                let text = KVModule.quotaText(used: total, limit: quota)
                throw state.refuse(.outcome(code: .quota, message: text))
            }
            state.writes[key] = write
            state.bytes = total
        }
    }

    /// Makes the writes, if nothing that was read has changed.
    /// - Throws: ``HostFailure`` with code `conflict`, or what the store refuses.
    func apply(_ store: KeyValueStore) async throws {
        let (reads, writes) = try state.withLock { state in
            if let refusal = state.refusal { throw refusal }
            return (state.reads, state.writes)
        }
        let isDone = try await store.apply(
            namespace: KVModule.namespace(call), reads: reads,
            writes: writes.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value.value) },
            condition: TaskCallContext.fence(of: call), quotaBytes: KVModule.quota(call))
        guard isDone else {
            throw HostFailure.outcome(
                code: .conflict, message: "something that was read has changed; try again")
        }
    }
}
