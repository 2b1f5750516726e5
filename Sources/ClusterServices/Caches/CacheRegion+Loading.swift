package import Portable
import Synchronization

/// What looking for a value gives.
package enum CacheLookup: Sendable {
    /// The value, as MessagePack.
    case hit([UInt8])
    /// Nobody on this node has it or loads it: the caller has to, and must end the load.
    case load(CacheLoad)
}

/// A load that its owner must end, by ``finish(_:)`` or ``abandon()``: others on this node wait for it.
package struct CacheLoad: Sendable {
    let region: CacheRegion
    let key: CacheKey
    let flight: CacheFlight
    let began: Int64

    /// Ends it with what was loaded, and stores that unless the key has changed since the load began.
    /// - Returns: What the caller should use: in mode `copy` perhaps a value that is there already.
    /// - Throws: ``CacheError`` when the value cannot be stored; the load has ended then.
    package func finish(_ value: PortableValue) async throws(CacheError) -> PortableValue {
        let bytes: [UInt8]
        do {
            bytes = try region.encoded(value)
        } catch {
            abandon()
            throw error
        }
        guard region.settings.mode == .copy else {
            region.store.finish(flight, key, bytes, keeps: region.isUsable(CacheClock.now))
            return value
        }
        return await spread(bytes).flatMap { try? MessagePack.decode($0) } ?? value
    }

    /// Ends it without a value: whoever waits may load.
    package func abandon() { region.store.finish(flight, key, nil, keeps: false) }

    /// Gives the value to all nodes. When they cannot be told it is this caller's alone.
    private func spread(_ bytes: [UInt8]) async -> [UInt8]? {
        let age = (CacheClock.now - began) / 1_000_000
        guard flight.since > 0, region.store.isCurrent(flight, key),
            age < CacheTables.removedMilliseconds / 2
        else {
            region.store.finish(flight, key, bytes, keeps: false)
            return bytes
        }
        let outcome = await region.install(key, bytes, of: flight)
        guard case .refused(let present?) = outcome else {
            region.store.finish(flight, key, bytes, keeps: false)
            return bytes
        }
        region.store.finish(flight, key, present, keeps: false)
        return present
    }
}

extension CacheRegion {
    /// Looks for a value, and waits for the load of it that is under way on this node.
    /// - Throws: `CancellationError`.
    package func lookUp(_ key: CacheKey) async throws -> CacheLookup {
        while true {
            let now = CacheClock.now
            let (heard, doubts) = state.withLock { ($0.heard, $0.doubts) }
            switch store.start(key, now: now, isUsable: isUsable(now), since: heard, doubts: doubts) {
            case .hit(let bytes): return .hit(bytes)
            case .loading(let flight):
                return .load(CacheLoad(region: self, key: key, flight: flight, began: now))
            case .waiting(let flight):
                if let bytes = await flight.wait() { return .hit(bytes) }
                try Task.checkCancellation()
            }
        }
    }

    /// The value of a key, loaded when it is not there: by one caller per key on this node.
    /// - Parameter load: `nil` when there is no such value; then nothing is stored.
    /// - Throws: What `load` throws; ``CacheError``; `CancellationError`.
    package func value(
        for key: CacheKey, load: @Sendable () async throws -> PortableValue?
    ) async throws -> PortableValue? {
        switch try await lookUp(key) {
        case .hit(let bytes): return try MessagePack.decode(bytes)
        case .load(let pending):
            let loaded: PortableValue?
            do {
                loaded = try await load()
            } catch {
                pending.abandon()
                throw error
            }
            guard let loaded, !loaded.isNull else {
                pending.abandon()
                return nil
            }
            return try await pending.finish(loaded)
        }
    }

    /// Stores for all nodes what a load gave.
    func install(_ key: CacheKey, _ bytes: [UInt8], of load: CacheFlight) async -> CacheChange.Outcome {
        store.begin(key)
        return await writer.submit(
            self, .install(key, bytes, since: load.since), .store(bytes), doubts: load.doubts)
    }
}
