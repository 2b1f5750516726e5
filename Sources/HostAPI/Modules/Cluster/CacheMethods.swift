import ClusterServices
import PluginHost
import Portable

/// The methods of `perigee.Cache`.
enum CacheMethods {
    static let all = [get, peek, put, putIfAbsent, replace, remove, clear, keys, stats]

    private static let key = HostParameter("key", .key, "An integer, or a text of 1 to 512 bytes.")
    private static let failed = HostResult(
        "err", .record("Error"), "`unavailable` when the other nodes cannot be told.", isOptional: true)
    private static let opening = "local reports = perigee.caches.open(\"reports\")\n"

    // MARK: - Reading

    private static let get = HostFunction(
        "get",
        summary: """
            Gives the value of a key. When there is none, a loader makes it: the one that is passed, or the \
            cache's own. One run per key and node loads, and the others wait for it. What the loader gives \
            is stored, unless the key was changed meanwhile; when it gives `nil`, nothing is stored. An \
            error in it is the caller's.
            """,
        parameters: [
            key,
            HostParameter(
                "loader", .function("fun(key: string|integer): any, perigee.Error?"),
                "Makes the value, instead of the cache's own loader. It may wait.", isOptional: true),
        ],
        results: [
            HostResult("value", .value, "`nil` when there is none and nothing makes it."),
            HostResult("err", .record("Error"), "What the loader gave beside `nil`.", isOptional: true),
        ],
        example: opening + """
            local report, err = reports:get(12, function(id)
              return { repository = id, branches = 3 }
            end)
            """,
        body: .loading(
            HostLoading(glance: glance, enter: enter, leave: leave)))

    @Sendable private static func glance(
        _ object: any HostObject, _ key: HostLoading.Key, _ answer: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        guard let cache = object as? CacheObject else { return false }
        return cache.region.glance(lent(key), answer)
    }

    @Sendable private static func enter(_ call: HostCall) async throws -> HostLoading.Decision {
        let cache = try call.object(as: CacheObject.self)
        let key = try key(of: call)
        guard call.hasFunction || cache.loader != nil else {
            return .answered([cache.region.value(for: key) ?? .null])
        }
        switch try await cache.region.lookUp(key) {
        case .hit(let bytes): return .answered([try MessagePack.decode(bytes)])
        case .load(let load):
            return .run(
                HostBracket(state: load, arguments: [key.value]),
                callback: call.hasFunction ? nil : cache.loader)
        }
    }

    @Sendable private static func leave(
        _ state: any Sendable, _ results: [PortableValue]?
    ) async throws -> [PortableValue] {
        guard let load = state as? CacheLoad else { return results ?? [] }
        guard let results, let value = results.first, !value.isNull else {
            load.abandon()
            return results ?? []
        }
        do {
            return [try await load.finish(value)] + results.dropFirst()
        } catch {
            throw HostFailure.misuse("perigee.Cache:get: what the loader gave: \(error)")
        }
    }

    private static let peek = HostFunction(
        "peek", summary: "Gives the value of a key if this node has it; nothing is loaded.",
        parameters: [key], results: [HostResult("value", .value, "`nil` when it has none.")],
        example: opening + """
            local report = reports:peek(12)
            """,
        body: .glance(
            glance,
            otherwise: { call in
                [try call.object(as: CacheObject.self).region.value(for: key(of: call)) ?? .null]
            }))

    private static let keys = HostFunction(
        "keys", summary: "Gives the keys of the values that this node has, those read last first.",
        results: [HostResult("keys", .list(.key), "At most 10,000.")],
        example: opening + """
            for _, key in ipairs(reports:keys()) do perigee.log.info("cached", { key = key }) end
            """,
        body: .quick { call in
            call.give(any: .list(try call.object(as: CacheObject.self).region.keys().map(\.value)))
        })

    private static let stats = HostFunction(
        "stats", summary: "Tells what the cache has done on this node.",
        results: [HostResult("stats", .record("CacheStatistics"), "Counted since it was opened.")],
        example: opening + """
            perigee.log.info("reports", { hits = reports:stats().hits })
            """,
        body: .quick { call in
            let statistics = try call.object(as: CacheObject.self).region.statistics
            call.giveFields { table in
                table.set("entries", Int64(statistics.entries))
                table.set("bytes", Int64(statistics.bytes))
                table.set("hits", Int64(statistics.hits))
                table.set("misses", Int64(statistics.misses))
                table.set("loads", Int64(statistics.loads))
                table.set("evictions", Int64(statistics.evictions))
                table.set("invalidations", Int64(statistics.invalidations))
            }
        })

    // MARK: - Changing

    private static let put = HostFunction(
        "put", summary: "Stores a value; every other node forgets its own, or gets this one.",
        parameters: [key, HostParameter("value", .value, "Plain data, not `nil`.")],
        results: [
            HostResult("ok", .boolean, "`true`; `nil` when it was not stored.", isOptional: true), failed,
        ],
        example: opening + """
            local ok, err = reports:put(12, { branches = 4 })
            if not ok then perigee.log.warn(err.message) end
            """,
        body: changing { call, region, key in
            try await region.put(key, call.value(1))
            return [true]
        })

    private static let putIfAbsent = HostFunction(
        "put_if_absent", summary: "Stores a value unless there is one.",
        parameters: [key, HostParameter("value", .value, "Plain data, not `nil`.")],
        results: [
            HostResult(
                "stored", .boolean, "Whether it was stored; `nil` when that is not known.", isOptional: true),
            HostResult(
                "present", .value,
                "The value that is there when it was not stored; the error when that is not known."),
        ],
        example: opening + """
            local stored, present = reports:put_if_absent(12, { branches = 4 })
            if not stored then perigee.log.info("there already", present) end
            """,
        body: changing { call, region, key in
            if let present = try await region.putIfAbsent(key, call.value(1)) { return [false, present] }
            return [true]
        })

    private static let replace = HostFunction(
        "replace", summary: "Stores a value if another one is there now.",
        parameters: [
            key, HostParameter("old", .value, "What must be there, equal in all its parts."),
            HostParameter("value", .value, "Plain data, not `nil`."),
        ],
        results: [
            HostResult(
                "stored", .boolean, "Whether it was stored; `nil` when that is not known.", isOptional: true),
            failed,
        ],
        example: opening + """
            local count = reports:get("count", function() return 0 end)
            reports:replace("count", count, count + 1)
            """,
        body: changing { call, region, key in
            [.bool(try await region.replace(key, call.value(1), with: call.value(2)))]
        })

    private static let remove = HostFunction(
        "remove", summary: "Removes a value on every node.",
        parameters: [
            key,
            HostParameter("old", .value, "Only if this is there, equal in all its parts.", isOptional: true),
        ],
        results: [
            HostResult(
                "removed", .boolean, "`true`; with `old` whether it was there; `nil` when that is not known.",
                isOptional: true), failed,
        ],
        example: opening + """
            reports:remove(12)
            """,
        body: changing { call, region, key in
            if !call.value(1).isNull { return [.bool(try await region.remove(key, ifEqual: call.value(1)))] }
            try await region.remove(key)
            return [true]
        })

    private static let clear = HostFunction(
        "clear", summary: "Removes all values on every node.",
        results: [
            HostResult("ok", .boolean, "`true`; `nil` when the others cannot be told.", isOptional: true),
            failed,
        ],
        example: opening + """
            reports:clear()
            """,
        body: .waiting { call in
            let region = try call.object(as: CacheObject.self).region
            return try await telling(call) {
                try await region.clear()
                return [true]
            }
        })

    // MARK: - Parts

    private static func changing(
        _ body: @escaping @Sendable (HostCall, CacheRegion, CacheKey) async throws -> [PortableValue]
    ) -> HostBody {
        .waiting { call in
            let region = try call.object(as: CacheObject.self).region
            let key = try key(of: call)
            return try await telling(call) { try await body(call, region, key) }
        }
    }

    /// Runs a body; what the cache refuses becomes a misuse or an outcome.
    private static func telling(
        _ call: HostCall, _ body: () async throws -> [PortableValue]
    ) async throws -> [PortableValue] {
        do {
            return try await body()
        } catch let error as CacheError {
            switch error {
            case .unavailable, .closed:
                throw HostFailure.outcome(code: .unavailable, message: "\(error)")
            case .invalidKey, .invalidValue, .noValue:
                throw HostFailure.misuse("\(call.function): \(error)")
            }
        }
    }

    @Sendable private static func key(of call: HostCall) throws -> CacheKey {
        do {
            return try CacheKey(call.value(0))
        } catch {
            throw HostFailure.misuse("bad argument #1 'key' to '\(call.function)' (\(error))")
        }
    }

    @inline(__always)
    private static func lent(_ key: HostLoading.Key) -> CacheKey.LentKey {
        switch key {
        case .text(let bytes): .text(bytes)
        case .integer(let number): .integer(number)
        }
    }
}
