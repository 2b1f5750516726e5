import SharedDatabase
import Synchronization

extension CacheRegion {
    /// A change was heard.
    /// - Returns: Whether rows have to be read.
    func hear(_ change: CacheSignal.Change, isOwn: Bool) -> Bool {
        guard settings.mode != .local else { return false }
        let isGap = state.withLock { state in
            let isGap = isSettled.load(ordering: .acquiring) && change.version > state.heard + 1
            state.heard = max(state.heard, change.version)
            return isGap
        }
        if isGap {
            doubt()
            return true
        }
        if isOwn { return false }
        if change.isAll { store.invalidateAll(version: change.version) }
        for key in change.keys { store.invalidate(key, version: change.version) }
        guard settings.mode == .copy else { return false }
        state.withLock { state in
            // Perhaps so many values were stored that their keys are not told.
            if change.isAll { state.isAllWanted = true }
            state.wanted.formUnion(change.keys)
        }
        return true
    }

    /// Nothing that is known so far can be relied on.
    func doubt() {
        guard settings.mode != .local else { return }
        state.withLock { state in
            state.doubts += 1
            // The next version that is read may be a smaller one: a crash of the database loses commits.
            state.heard = 0
            state.wanted = []
            state.isAllWanted = false
        }
        isSettled.store(false, ordering: .releasing)
        store.forgetAll()
        // Whoever began to settle in after the first line has lost what was read until now.
        state.withLock { $0.doubts += 1 }
    }

    /// Finds its place in the stream, if that is not known, and reads the values that others have stored.
    func catchUp(_ database: SharedDatabase) async throws {
        if !isSettled.load(ordering: .acquiring) { try await settleIn(database) }
        guard settings.mode == .copy else { return }
        if takeAllWanted() {
            do {
                store.beginPull()
                defer { store.endPull() }
                try await readAll(database)
            } catch {
                state.withLock { $0.isAllWanted = true }
                throw error
            }
        }
        while let keys = takeWanted() {
            store.beginPull()
            defer { store.endPull() }
            let name = fullName
            do {
                keep(try await database.read { try CacheTables(transaction: $0).rows(name, keys: keys) })
            } catch {
                state.withLock { $0.wanted.formUnion(keys) }
                throw error
            }
        }
    }

    private func takeAllWanted() -> Bool {
        state.withLock { state in
            defer { state.isAllWanted = false }
            return state.isAllWanted && !state.isClosed
        }
    }

    private func takeWanted() -> [CacheKey]? {
        state.withLock { state in
            guard !state.wanted.isEmpty, !state.isClosed else { return nil }
            let keys = Array(state.wanted.prefix(64))
            state.wanted.subtract(keys)
            return keys
        }
    }

    private func settleIn(_ database: SharedDatabase) async throws {
        let (doubts, isClosed) = state.withLock { ($0.doubts, $0.isClosed) }
        if isClosed { return }
        let name = fullName
        store.beginPull()
        defer { store.endPull() }
        let version = try await database.write(durability: .process) {
            try CacheTables(transaction: $0).version(name)
        }
        if settings.mode == .copy { try await readAll(database) }
        state.withLock { state in
            guard state.doubts == doubts, !state.isClosed else { return }
            state.heard = max(state.heard, version)
            isSettled.store(true, ordering: .releasing)
        }
    }

    private func readAll(_ database: SharedDatabase) async throws {
        let name = fullName
        var after = ""
        while true {
            let start = after
            let rows = try await database.read {
                try CacheTables(transaction: $0).rows(name, after: start, limit: 64)
            }
            keep(rows)
            guard let last = rows.last, rows.count == 64 else { return }
            after = last.key.written
        }
    }

    private func keep(_ rows: [CacheTables.Row]) {
        let now = CacheClock.now
        for row in rows {
            let expires = row.left.map { now + max(0, $0) * 1_000_000 } ?? .max
            store.pull(row.key, row.bytes, version: row.version, expires: expires, now: now)
        }
    }
}
