import Foundation
import Portable
import Testing

@testable import Node

@Suite struct HomeTests {
    private let folder: String = {
        let path = NSTemporaryDirectory() + "perigee-home-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }()

    @Test func `the node id is made once and kept`() throws {
        defer { remove() }
        let first = try NodeIdentity.load(home: folder)
        #expect(!first.rawValue.isEmpty)
        #expect(try NodeIdentity.load(home: folder) == first)
    }

    @Test func `a node id file with anything else in it is refused`() throws {
        defer { remove() }
        try Data("../etc\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/node-id"))
        #expect(throws: StartError.self) { try NodeIdentity.load(home: folder) }
    }

    @Test func `the shared home's id is made once, also by nodes that start at the same time`() async throws {
        defer { remove() }
        let folder = folder
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<16 { group.addTask { try SharedHomeIdentity.load(shared: folder) } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(ids.count == 1 && ids.first?.isEmpty == false)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["home-id"])
    }

    @Test func `a home has one origin for as long as the machine runs, and another home another`() throws {
        defer { remove() }
        let origin = try #require(NodeOrigin.of(home: folder))
        #expect(NodeOrigin.of(home: folder) == origin)
        #expect(NodeOrigin.of(home: "/") != origin)
        #expect(NodeOrigin.of(home: folder + "/nothing") == nil)
    }

    @Test func `a second lock on the same home names the first holder`() throws {
        defer { remove() }
        let lock = try HomeLock(
            file: "\(folder)/lock", nodeFile: "\(folder)/node.json", home: folder,
            node: NodeID(rawValue: "first"))
        defer { withExtendedLifetime(lock) {} }
        try NodeFile(
            processID: Int(getpid()), nodeID: NodeID(rawValue: "first"), url: "http://127.0.0.1:7",
            httpPort: 7
        ).write(run: folder)
        #expect {
            _ = try HomeLock(
                file: "\(folder)/lock", nodeFile: "\(folder)/node.json", home: folder,
                node: NodeID(rawValue: "second"))
        } throws: { error in
            ["node first", "process \(getpid())", "http://127.0.0.1:7", folder].allSatisfy(
                "\(error)".contains)
        }
    }

    @Test func `what a dead node left in the lock file does not matter`() throws {
        defer { remove() }
        try Data(#"{"nodeId":"dead","pid":1} and longer than ours will be"#.utf8)
            .write(to: URL(fileURLWithPath: "\(folder)/lock"))
        let lock = try HomeLock(
            file: "\(folder)/lock", nodeFile: "\(folder)/node.json", home: folder,
            node: NodeID(rawValue: "new"))
        defer { withExtendedLifetime(lock) {} }
        let text = try String(contentsOfFile: "\(folder)/lock", encoding: .utf8)
        #expect(try JSON.decode(Array(text.utf8))["nodeId"]?.stringValue == "new")
    }

    @Test func `the local token is readable by its owner only and is found again`() throws {
        defer { remove() }
        let token = try LocalToken.make(run: folder)
        #expect(token.count == 64)
        #expect(LocalToken.read(run: folder) == token)
        #expect(SystemFile.mode(of: "\(folder)/local-token").map { $0 & 0o777 } == 0o600)
        #expect(try LocalToken.make(run: folder) != token)
    }

    @Test func `plugins are found above the program, but only a folder that holds one counts`() throws {
        defer { remove() }
        let manager = FileManager.default
        try manager.createDirectory(atPath: "\(folder)/build/x/debug", withIntermediateDirectories: true)
        try manager.createDirectory(
            atPath: "\(folder)/build/plugins/tools", withIntermediateDirectories: true)
        let distribution = Distribution(programs: "\(folder)/build/x/debug")
        #expect(distribution.findPlugins() == nil)
        try manager.createDirectory(atPath: "\(folder)/plugins/one", withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(folder)/plugins/one/plugin.json"))
        #expect(distribution.findPlugins() == "\(folder)/plugins")
    }

    @Test func `a folder that everybody may write is no place for plugins`() throws {
        defer { remove() }
        try StartupChecks.plugins([folder])
        chmod(folder, 0o777)
        #expect(throws: StartError.self) { try StartupChecks.plugins([folder]) }
    }

    @Test func `a clock before this program was written is refused`() throws {
        defer { remove() }
        #expect(throws: StartError.self) { try StartupChecks.clock(now: Date(timeIntervalSince1970: 0)) }
        try StartupChecks.clock(now: Date(timeIntervalSince1970: 1_800_000_000))
    }

    private func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }
}
