import ClusterServices
import ClusterTestKit
import NodeTestKit
import Portable
import SharedDatabase
import Synchronization
import Testing

@Suite struct MembershipTests {
    @Test(arguments: TestEngine.allCases)
    func `a node that has joined has an incarnation, and a younger node a greater one`(
        _ engine: TestEngine
    ) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a")
            let second = try await TestNode.join(test, "b")
            #expect(first.membership.isMember && second.membership.isMember)
            #expect(try first.membership.incarnation() < second.membership.incarnation())
            await first.leave()
            await second.leave()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `every node sees who is there, with where and what it is`(_ engine: TestEngine) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a") {
                $0.name = "Node A"
                $0.address = "192.0.2.1"
                $0.httpPort = 7990
            }
            let second = try await TestNode.join(test, "b")
            let members = try await second.membership.members()
            #expect(members.map(\.nodeID) == ["a", "b"])
            #expect(members.map(\.isLocal) == [false, true])
            let described = try #require(members.first)
            #expect(
                described.name == "Node A" && described.address == "192.0.2.1" && described.httpPort == 7990)
            #expect(described.version == "1.0.0" && described.joinedAt > 0)
            second.membership.announce(httpPort: 7991)
            try await waitUntil("the port is told") {
                try await first.membership.members().last?.httpPort == 7991
            }
            await first.leave()
            await second.leave()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `who comes and who leaves is told to the others`(_ engine: TestEngine) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a")
            var changes = first.membership.changes().makeAsyncIterator()
            let second = try await TestNode.join(test, "b")
            guard case .added(let added) = await changes.next() else { throw Unexpected() }
            #expect(added.nodeID == "b")
            await second.leave()
            guard case .removed(let removed) = await changes.next() else { throw Unexpected() }
            #expect(removed.nodeID == "b")
            #expect(!second.membership.isMember)
            #expect(try await first.membership.members().count == 1)
            await first.leave()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a node that was stopped for longer than its lease believes in nothing, and comes back as another`(
        _ engine: TestEngine
    ) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let node = try await TestNode.join(test, "a", lease: .seconds(4))
            var changes = node.membership.changes().makeAsyncIterator()
            let before = try node.membership.incarnation()
            node.clock.advance(by: .seconds(30))
            #expect(!node.membership.isMember)
            #expect(await changes.next() == .lost(before))
            guard case .joined(let after) = await changes.next() else { throw Unexpected() }
            #expect(after > before)
            #expect(try await node.membership.certainIncarnation() == after)
            await node.leave()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a node that is silent for its lease is removed by the others`(_ engine: TestEngine) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a", lease: .seconds(1))
            let second = try await TestNode.join(test, "b", lease: .seconds(1))
            await second.membership.abandon()
            try await waitUntil("the silent node is removed") {
                try await first.membership.members().count == 1
            }
            #expect(first.membership.isMember)
            await first.leave()
            await second.database.close()
        }
    }

    @Test func `a killed node is missed long before its lease is over`() async throws {
        try await TestDatabase.with(.postgres, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a", lease: .seconds(600))
            let second = try await TestNode.join(test, "b", lease: .seconds(600))
            try await settled(first, knows: 2)
            await second.die()
            try await waitUntil("the dead node is removed", deadline: .seconds(60)) {
                try await first.membership.members().count == 1
            }
            await first.leave()
        }
    }

    @Test func `a node that lost only its connection comes back as the one it was`() async throws {
        try await TestDatabase.with(.postgres, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a", lease: .seconds(600))
            let second = try await TestNode.join(test, "b", lease: .seconds(600))
            try await settled(first, knows: 2)
            let before = try second.membership.incarnation()
            for _ in 0..<3 {
                try await test.database.write { transaction in
                    _ = try transaction.rows(
                        """
                        SELECT pg_terminate_backend(pid) AS done FROM pg_locks WHERE locktype = 'advisory'
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        """)
                }
                #expect(try await second.membership.certainIncarnation(within: .seconds(120)) == before)
                _ = try await first.membership.certainIncarnation(within: .seconds(120))
            }
            #expect(try await first.membership.members().map(\.nodeID) == ["a", "b"])
            await first.leave()
            await second.leave()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `no wall clock takes a living node's lease away`(_ engine: TestEngine) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a", lease: .seconds(1))
            let second = try await TestNode.join(test, "b", lease: .seconds(1))
            let before = try second.membership.incarnation()
            // As if the database's clock had jumped by an hour, forwards and back, with every renewal.
            for jump in [Int64](repeating: 3_600_000, count: 6) + [Int64](repeating: -3_600_000, count: 6) {
                let renewals = try await renewals(of: before, in: test)
                try await test.database.write { transaction in
                    try transaction.execute(
                        "UPDATE cluster_node SET lease_until = lease_until - ?", [.integer(jump)])
                }
                try await waitUntil("the lease is renewed") {
                    try await self.renewals(of: before, in: test) ?? .max != renewals ?? 0
                }
            }
            #expect(try await second.membership.certainIncarnation() == before)
            await first.leave()
            await second.leave()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a node whose row is gone notices, and joins with the next incarnation`(
        _ engine: TestEngine
    ) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let node = try await TestNode.join(test, "a", lease: .seconds(2))
            var changes = node.membership.changes().makeAsyncIterator()
            let before = try node.membership.incarnation()
            try await test.database.write { _ = try $0.execute("DELETE FROM cluster_node") }
            #expect(await changes.next() == .lost(before))
            guard case .joined(let after) = await changes.next() else { throw Unexpected() }
            #expect(after > before)
            await node.leave()
        }
    }

    private func renewals(of incarnation: NodeIncarnation, in test: TestDatabase) async throws -> Int64? {
        try await test.database.read {
            try $0.firstRow(
                "SELECT renewals FROM cluster_node WHERE incarnation = ?", [.id(incarnation)])?.integer(
                    "renewals")
        }
    }

    /// Waits until a node has seen the sessions of others.
    private func settled(_ node: TestNode, knows count: Int) async throws {
        try await waitUntil("the nodes know each other") { node.membership.seesSessions(of: count - 1) }
    }
}

@Suite struct MembershipJoinTests {
    @Test(arguments: TestEngine.allCases)
    func `a node with another shared home is refused`(_ engine: TestEngine) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a")
            let error = await #expect(throws: ClusterError.self) {
                _ = try await TestNode.join(test, "b") { $0.sharedHomeID = "elsewhere" }
            }
            #expect(error == .otherHome(ours: "elsewhere", cluster: "home"))
            #expect("\(try #require(error))".contains("elsewhere"))
            await first.leave()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `versions one generation apart work together, others are refused`(_ engine: TestEngine) async throws
    {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a")
            let second = try await TestNode.join(test, "b") { $0.generation = 2 }
            await second.leave()
            let error = await #expect(throws: ClusterError.self) {
                _ = try await TestNode.join(test, "c") {
                    $0.generation = 3
                    $0.version = "3.0.0"
                }
            }
            #expect(
                error
                    == .otherVersion(
                        ours: "3.0.0", ourGeneration: 3, node: "a", theirs: "1.0.0", theirGeneration: 1))
            await first.leave()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a second node with the same id is refused and told of the first`(_ engine: TestEngine) async throws
    {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a", lease: .seconds(1)) {
                $0.name = "the first"
                $0.address = "192.0.2.1"
            }
            let error = await #expect(throws: ClusterError.self) { _ = try await TestNode.join(test, "a") }
            #expect(
                error == .duplicateNode(id: "a", name: "the first", address: "192.0.2.1", version: "1.0.0"))
            #expect(first.membership.isMember)
            await first.leave()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a node that was killed and started again waits for the end of its old lease`(
        _ engine: TestEngine
    ) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a", lease: .seconds(1))
            let before = try first.membership.incarnation()
            await first.die()
            let again = try await TestNode.join(test, "a", lease: .seconds(1))
            #expect(try again.membership.incarnation() > before)
            await again.leave()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a node that has locked the home of its old life does not wait for it`(
        _ engine: TestEngine
    ) async throws {
        try await TestDatabase.with(engine, migrations: TestNode.migrations) { test in
            let first = try await TestNode.join(test, "a", lease: .seconds(6_000)) {
                $0.origin = "machine 1, home 2"
            }
            await first.die()
            let again = try await TestNode.join(test, "a", lease: .seconds(6_000)) {
                $0.origin = "machine 1, home 2"
            }
            #expect(try await again.membership.members().count == 1)
            await again.leave()
        }
    }
}

/// Something else came than the test is about.
struct Unexpected: Error {}

/// What a test has seen so far.
final class Seen<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value { state.withLock { $0 } }

    func change(_ body: (inout Value) -> Void) { state.withLock { body(&$0) } }
}
