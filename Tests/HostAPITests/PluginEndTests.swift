import ClusterServices
import Foundation
import HostAPI
import NodeTestKit
import PluginHost
import Portable
import Synchronization
import Testing

/// What a plugin held in the cluster is free for others once it has ended, however that came.
@Suite struct PluginEndTests {
    /// Holds the lock `first`, and waits for `second`, which the test holds.
    private static let waiting = """
        local first, second = perigee.locks.named("first"), perigee.locks.named("second")
        local cache = perigee.caches.open("c", { mode = "local" })
        perigee.events.on("x:run", function()
          first:with(nil, function()
            perigee.kv.put("result", "holds")
            second:acquire({ wait = "59s" })
          end)
        end)
        perigee.events.on("x:spin", function()
          first:with(nil, function() while true do end end)
        end)
        """
    private static let permissions = """
        {"locks": ["first", "second"], "events": ["x:run", "x:spin"], "kv": "1MiB", "caches": ["c"]}
        """

    private static func server(killsMax: Int = 0) async throws -> TestServer {
        try await TestServer(mains: ["a.x": (permissions, waiting)]) { ceilings in
            ceilings.stopGrace = .milliseconds(100)
            ceilings.handlerCPU = .milliseconds(200)
            ceilings.killsMax = killsMax
        }
    }

    enum End: CaseIterable { case disabled, reloaded, stopped }

    @Test(arguments: End.allCases)
    func `locks that a plugin held or waited for are free when it has ended`(_ end: End) async throws {
        let server = try await Self.server()
        let locks = try #require(server.cluster.locks).locks(namespace: "a.x")
        let second = try await locks.named("second").acquire()
        server.bus.publish(Event(key: "x:run", payload: [:], id: "1"))
        try await waitUntil("the plugin to hold the first lock") {
            try await server.kv.fetchValue(namespace: "plugin/a.x", key: "result") != nil
        }
        #expect(try await locks.named("first").tryAcquire() == nil)
        switch end {
        case .disabled: try await server.plugins.disable("a.x")
        case .reloaded: try await server.plugins.reload("a.x")
        case .stopped: await server.plugins.stop()
        }
        let first = try await locks.named("first").acquire(wait: .seconds(120))
        #expect(first.isHeld)
        await first.release()
        // Nobody waits for it any more: it is free as soon as it is given back.
        await second.release()
        let again = try await locks.named("second").tryAcquire()
        #expect(again != nil)
        await again?.release()
        await server.stop()
    }

    @Test func `a run that is ended for its CPU time gives back its lock`() async throws {
        let server = try await Self.server()
        let lock = try #require(server.cluster.locks).locks(namespace: "a.x").named("first")
        let before = try await lock.acquire()
        let spinning = server.bus.publish(Event(key: "x:spin", payload: [:], id: "1"))
        await before.release()
        #expect(await !spinning.delivery().failures.isEmpty)
        let taken = try await lock.acquire(wait: .seconds(120))
        #expect(taken.token > before.token + 1)
        await taken.release()
        await server.stop()
    }

    @Test func `a plugin in quarantine holds nothing any more`() async throws {
        let server = try await Self.server(killsMax: 1)
        let lock = try #require(server.cluster.locks).locks(namespace: "a.x").named("first")
        let caches = try #require(server.cluster.caches)
        #expect(caches.regions.contains { $0.namespace == "plugin/a.x" })
        server.bus.publish(Event(key: "x:spin", payload: [:], id: "1"))
        try await waitUntil("the quarantine") {
            await server.plugins.detail("a.x")?.summary.state.quarantine != nil
        }
        await (try await lock.acquire(wait: .seconds(120))).release()
        try await waitUntil("the end of its caches") {
            !caches.regions.contains { $0.namespace == "plugin/a.x" }
        }
        await server.stop()
    }

    @Test func `a topic's messages reach the state that serves, and no other`() async throws {
        let server = try await TestServer(mains: [
            "a.x": (
                #"{"topics": ["t"], "kv": "1MiB"}"#,
                """
                perigee.topics.on("t", function(message)
                  local seen = perigee.kv.get("seen") or {}
                  seen[#seen + 1] = message.payload
                  perigee.kv.put("seen", seen)
                end)
                """
            )
        ])
        let topics = try #require(server.cluster.topics)
        @Sendable func publish(_ number: Int64) async throws {
            try await topics.publish(namespace: "plugin/a.x", topic: "t", .integer(number))
        }
        @Sendable func seen() async throws -> PortableValue? {
            try await server.kv.fetchValue(namespace: "plugin/a.x", key: "seen")?.value
        }
        try await waitUntil("a first message") {
            try await publish(1)
            return try await seen() != nil
        }
        try await server.plugins.disable("a.x")
        let heard = Mutex(false)
        let witness = topics.subscribe(namespace: "plugin/a.x", topic: "t") { message in
            if message.payload == 2 { heard.withLock { $0 = true } }
        }
        try await publish(2)
        try await waitUntil("the second message") { heard.withLock { $0 } }
        witness.cancel()
        try await server.plugins.enable("a.x")
        try await server.plugins.reload("a.x")
        try await publish(3)
        try await publish(4)
        try await waitUntil("the last message") { try await seen()?.listValue?.last == 4 }
        let later = try await seen()?.listValue?.filter { $0 != 1 }
        #expect(later == [3, 4])
        await server.stop()
    }
}
