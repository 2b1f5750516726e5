package import Portable
import Synchronization

extension CacheRegion {
    /// Stores a value. On return this node has it, and every other node the value or none: in mode `copy` the
    /// value, as soon as it is there, in mode `invalidate` none.
    /// - Throws: ``CacheError``; ``CacheError/unavailable(reason:)`` when the others cannot be told.
    package func put(_ key: CacheKey, _ value: PortableValue) async throws(CacheError) {
        let bytes = try encoded(value)
        if case .failed(let error) = await change(key, .put(key, bytes), .store(bytes)) { throw error }
    }

    /// Stores a value unless there is one.
    ///
    /// In mode `copy` one of several nodes that try at once succeeds. In the other modes only this node's own
    /// value counts: two nodes may both succeed, and then at most one keeps its value.
    /// - Returns: The value that is there already; `nil` when this one was stored.
    /// - Throws: ``CacheError``.
    package func putIfAbsent(
        _ key: CacheKey, _ value: PortableValue
    ) async throws(CacheError) -> PortableValue? {
        let bytes = try encoded(value)
        switch await compare(key, .putIfAbsent(key, bytes), storing: bytes, if: { $0 == nil }) {
        case .failed(let error): throw error
        case .refused(let present): return present.flatMap { try? MessagePack.decode($0) } ?? .null
        case .done: return nil
        }
    }

    /// Stores a value if another one is there now. Atomic as ``putIfAbsent(_:_:)`` is.
    /// - Returns: Whether it was stored.
    /// - Throws: ``CacheError``.
    package func replace(
        _ key: CacheKey, _ old: PortableValue, with value: PortableValue
    ) async throws(CacheError) -> Bool {
        let (old, new) = (try encoded(old), try encoded(value))
        switch await compare(key, .replace(key, old: old, new: new), storing: new, if: { $0 == old }) {
        case .failed(let error): throw error
        case .refused: return false
        case .done: return true
        }
    }

    /// Removes a value, on every node.
    /// - Throws: ``CacheError``.
    package func remove(_ key: CacheKey) async throws(CacheError) {
        if case .failed(let error) = await change(key, .remove(key, old: nil), .remove) { throw error }
    }

    /// Removes a value, on every node, if it is this one. Atomic as ``putIfAbsent(_:_:)`` is.
    /// - Returns: Whether it was removed.
    /// - Throws: ``CacheError``.
    package func remove(_ key: CacheKey, ifEqual old: PortableValue) async throws(CacheError) -> Bool {
        let old = try encoded(old)
        switch await compare(key, .remove(key, old: old), storing: nil, if: { $0 == old }) {
        case .failed(let error): throw error
        case .refused: return false
        case .done: return true
        }
    }

    /// Removes all values, on every node.
    /// - Throws: ``CacheError``.
    package func clear() async throws(CacheError) {
        if state.withLock({ $0.isClosed }) { throw .closed(name: name) }
        if settings.mode == .local { return store.invalidateAll(isForeign: false) }
        if case .failed(let error) = await writer.submit(self, .clear, .clear) { throw error }
    }

    /// The value's encoding; equal values have equal ones.
    func encoded(_ value: PortableValue) throws(CacheError) -> [UInt8] {
        guard !value.isNull else { throw .noValue }
        do {
            return try MessagePack.encode(value)
        } catch {
            throw .invalidValue(error)
        }
    }

    /// A change with a condition: judged by the row in mode `copy`, else by this node's own value.
    private func compare(
        _ key: CacheKey, _ operation: CacheChange.Operation, storing bytes: [UInt8]?,
        if holds: @escaping @Sendable ([UInt8]?) -> Bool
    ) async -> CacheChange.Outcome {
        if settings.mode == .invalidate {
            // The others need not forget anything for what does not happen; it is looked at again in the end.
            let now = CacheClock.now
            let present = store.change(key, version: 0, isUsable: isUsable(now)) { (.nothing, $0) }
            guard holds(present) else { return .refused(present) }
        }
        if settings.mode == .copy { return await change(key, operation, bytes.map { .store($0) } ?? .remove) }
        return await change(key, operation, .compare(holds, storing: bytes))
    }

    private func change(
        _ key: CacheKey, _ operation: CacheChange.Operation, _ effect: CacheChange.Effect
    ) async -> CacheChange.Outcome {
        let local = state.withLock { state in
            state.lastLocal += 1
            return state.isClosed ? nil : state.lastLocal
        }
        guard let local else { return .failed(.closed(name: name)) }
        switch settings.mode {
        case .local:
            return store.change(key, version: local, isUsable: true) { present in
                Self.effect(effect, present, .done(version: local))
            }
        case .invalidate:
            store.begin(key)
            return await writer.submit(self, .tell(key), effect)
        case .copy:
            store.begin(key)
            return await writer.submit(self, operation, effect)
        }
    }

    /// Takes effect on this node: the database has answered.
    /// - Returns: What the caller is told.
    func settle(_ change: CacheChange, _ outcome: CacheChange.Outcome) -> CacheChange.Outcome {
        // What others changed while this node heard nothing may be later than this.
        let isDoubted = state.withLock { $0.doubts != change.doubts }
        guard let key = change.operation.key else {
            // A clear whose fate is not known is one, here.
            if case .done(let version) = outcome, !isDoubted {
                store.invalidateAll(version: version, isForeign: false)
            } else {
                store.invalidateAll(isForeign: false)
            }
            return outcome
        }
        var version = Int64.max
        if case .done(let number) = outcome { version = number }
        let answer = store.end(key, version: version, isUsable: isUsable(CacheClock.now)) { present in
            switch outcome {
            case .done where isDoubted: (.unknown, outcome)
            case .done: Self.effect(change.effect, present, outcome)
            case .refused: (.nothing, outcome)
            case .failed: (.unknown, outcome)
            }
        }
        if settings.mode == .copy, isDoubted || version == .max {
            // Whatever the row is now: nobody tells this node of its own change.
            state.withLock { _ = $0.wanted.insert(key) }
        }
        return answer
    }

    private static func effect(
        _ effect: CacheChange.Effect, _ present: [UInt8]?, _ outcome: CacheChange.Outcome
    ) -> (CacheStore.Effect, CacheChange.Outcome) {
        switch effect {
        case .store(let bytes): return (.store(bytes), outcome)
        case .remove, .clear: return (.remove, outcome)
        case .compare(let holds, let bytes):
            guard holds(present) else { return (.nothing, .refused(present)) }
            return (bytes.map { .store($0) } ?? .remove, outcome)
        }
    }
}
