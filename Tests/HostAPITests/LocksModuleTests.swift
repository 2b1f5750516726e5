import ClusterServices
import Foundation
import HostAPI
import NodeTestKit
import PluginHost
import Portable
import Testing

@Suite struct LocksModuleTests {
    private static func server(_ body: String) async throws -> TestServer {
        try await TestServer(mains: [
            "a.x": (
                #"{"locks": ["rebuild", "other"], "events": ["x:run"], "kv": "1MiB"}"#,
                """
                local rebuild = perigee.locks.named("rebuild")
                local each = perigee.locks.repository("rebuild")
                local request = perigee.locks.pull_request("other")
                perigee.events.on("x:run", function(event)
                  perigee.kv.put("result", { (function()
                \(body)
                  end)() })
                end)
                """
            )
        ])
    }

    @Test func `a lock is held within a function, and given back after it, also after an error`() async throws
    {
        let server = try await Self.server(
            """
            local first, held, again
            local result = rebuild:with({ wait = "1s" }, function(guard)
              first, held, again = guard.token, guard:held(), pcall(rebuild.try, rebuild)
              return "done"
            end)
            local ok, text = pcall(function() rebuild:with(nil, function() error("broken") end) end)
            local second = rebuild:with(nil, function(guard) return guard.token end)
            return result, held, again, ok, text, second > first
            """)
        let result = try await server.run([:])
        #expect(result[0] == "done")
        #expect(result[1] == true)
        // A run that asks for what it holds would wait for itself: misuse.
        #expect(result[2] == false)
        #expect(result[3] == false)
        #expect(result[4]?.stringValue?.contains("broken") == true)
        #expect(result[5] == true)
        await server.stop()
    }

    @Test func `who cannot have the lock is told so, and a run that ends gives back what it holds`()
        async throws
    {
        let server = try await Self.server(
            """
            local guard, err = rebuild:try()
            if not guard then return err.code end
            local none, late = rebuild:acquire({ wait = "0s" })
            return guard:held(), late
            """)
        let locks = try #require(server.cluster.locks)
        let lock = try locks.locks(namespace: "a.x").named("rebuild")
        let taken = try await lock.acquire()
        #expect(try await server.run([:]) == ["conflict"])
        await taken.release()
        await #expect(throws: (any Error).self) { try await server.run([:]) }
        // The failed run held the lock.
        let again = try await lock.acquire(wait: .seconds(30))
        #expect(again.token > taken.token)
        await again.release()
        await server.stop()
    }

    @Test func `waiting for a lock has an end`() async throws {
        let server = try await Self.server(
            """
            local guard, err = rebuild:acquire({ wait = "50ms" })
            local done, also = rebuild:with({ wait = "50ms" }, function() return true end)
            return guard == nil, err.code, done == nil, also.code
            """)
        let taken = try await #require(server.cluster.locks).locks(namespace: "a.x").named("rebuild")
            .acquire()
        #expect(try await server.run([:]) == [true, "timeout", true, "timeout"])
        await taken.release()
        await server.stop()
    }

    @Test func `locks of repositories and pull requests are locks of their own`() async throws {
        let server = try await Self.server(
            """
            return rebuild:with(nil, function()
              return each:with(1, nil, function()
                return each:with({ id = 2 }, { wait = "1s" }, function()
                  local guard = request:acquire(1, 7, { wait = "1s" })
                  local other = request:try(1, 8)
                  local both = guard:held() and other:held()
                  guard:release()
                  guard:release()
                  return both, guard:held(), other:held()
                end)
              end)
            end)
            """)
        #expect(try await server.run([:]) == [true, false, true])
        await server.stop()
    }

    @Test func `a write with an older token than one that has written is refused`() async throws {
        let server = try await Self.server(
            """
            local old = rebuild:with(nil, function(guard) return guard.token end)
            local first = perigee.kv.put("report", 1, { fence = old }) ~= nil
            local second = rebuild:with(nil, function(guard)
              return perigee.kv.put("report", 2, { fence = guard.token }) ~= nil
            end)
            local late, err = perigee.kv.put("report", 3, { fence = old })
            local gone, also = perigee.kv.delete("report", { fence = old })
            return first, second, late == nil, err.code, gone == nil, also.code, (perigee.kv.get("report"))
            """)
        #expect(try await server.run([:]) == [true, true, true, "fenced", true, "fenced", 2])
        await server.stop()
    }

    @Test func `locks that the manifest does not name are refused`() async throws {
        let server = try await TestServer(mains: [
            "a.x": (#"{"locks": ["rebuild"]}"#, "\nperigee.locks.named('other')"),
            "a.y": (#"{"locks": ["rebuild"]}"#, "\nlocal l = perigee.locks.named('rebuild') l:try()"),
        ])
        let reason = await server.plugins.detail("a.x")?.summary.state.reason ?? ""
        #expect(
            reason.contains(#"main.lua:2: permission denied: perigee.locks.named needs "locks": ["other"]"#))
        await server.stop()
    }
}
