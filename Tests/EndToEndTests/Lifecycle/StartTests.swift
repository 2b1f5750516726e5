import Foundation
import NodeTestKit
import Portable
import Testing

@Suite struct StartTests {
    @Test func `a node says where it serves, in one line and in a file`() async throws {
        let node = try await RunningNode.start()
        // The file is there a moment before the line.
        try await waitUntil("the serving line") { node.standardOutput.hasSuffix("\n") }
        let lines = node.standardOutput.split(separator: "\n")
        #expect(lines == ["Perigee serves \(node.url) (node \(node.nodeID), home \(node.home))"])
        let facts = try JSON.decode(
            Array(FileManager.default.contents(atPath: "\(node.home)/run/node.json") ?? Data()))
        #expect(facts["pid"]?.integerValue == Int64(node.processID))
        #expect(facts["httpPort"]?.integerValue == Int64(node.port))
        #expect(facts["sshPort"] == .null)
        #expect(facts["url"]?.stringValue == "http://127.0.0.1:\(node.port)")
        try await node.stop()
    }

    @Test func `the home has the folders of the layout, closed to others`() async throws {
        let node = try await RunningNode.start()
        let folders = [
            "bin", "caches", "export", "lib", "log", "run", "shared", "tmp", "shared/config", "shared/data",
            "shared/data/attachments", "shared/data/avatars", "shared/data/repositories",
            "shared/plugins/installed-plugins",
        ]
        for folder in folders {
            var isFolder: ObjCBool = false
            #expect(
                FileManager.default.fileExists(atPath: "\(node.home)/\(folder)", isDirectory: &isFolder),
                "\(folder)")
            #expect(isFolder.boolValue)
        }
        let attributes = try FileManager.default.attributesOfItem(
            atPath: "\(node.home)/shared/data/repositories")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o750)
        try await node.stop()
    }

    @Test func `without a password a one-time one is printed once, and works`() async throws {
        let node = try await RunningNode.start(properties: ["setup.sysadmin.password": ""])
        let pattern = #/with the password (\w+)/#
        let password = try #require(node.standardError.firstMatch(of: pattern)?.1)
        let target = "/rest/api/latest/admin/users"
        #expect(try await node.anonymous.basic("admin", String(password)).get(target).status == 200)
        #expect(try await node.anonymous.basic("admin", "wrong").get(target).status == 401)
        #expect(!node.log.contains(password))
        try await node.restart()
        #expect(!node.standardError.contains("with the password"))
        #expect(try await node.anonymous.basic("admin", String(password)).get(target).status == 200)
        try await node.stop()
    }

    @Test func `setup properties count at the first start only`() async throws {
        let node = try await RunningNode.start()
        try await node.stop()
        let again = try RunningNode.prepare(
            properties: ["setup.sysadmin.password": "another"], directory: node.directory)
        try await again.start()
        #expect(
            try await again.anonymous.basic("admin", "another").get("/rest/api/latest/admin/users").status
                == 401)
        #expect(try await again.http.get("/rest/api/latest/admin/users").status == 200)
        #expect(again.nodeID == node.nodeID)
        try await again.stop()
    }

    @Test func `while plugins load the node says STARTING, and a plugin in an endless loop hurts nobody`()
        async throws
    {
        let port = try SocketConnection.freePort()
        let node = try RunningNode.prepare(properties: ["server.port": String(port)])
        for number in 0..<6 {
            let folder = "home/shared/plugins/installed-plugins/com.example.loop\(number)"
            try node.directory.write(
                #"{"id": "com.example.loop\#(number)", "name": "Loop", "version": "1.0.0", "api": 1,"#
                    + #" "main": "main.lua", "cluster_compatible": true}"#, to: "\(folder)/plugin.json")
            try node.directory.write("while true do pcall(error) end\n", to: "\(folder)/main.lua")
        }
        let process = try await node.launch()
        let client = HTTPClient(port: port)
        let first = try await waitFor("an answer", detail: { process.errors }) {
            try? await client.get("/status")
        }
        #expect(first.status == 503)
        #expect(try first.json()["state"]?.stringValue == "STARTING")
        #expect(try await client.get("/rest/api/latest/projects").status == 503)
        try await waitUntil("RUNNING", detail: { process.errors }) {
            try await client.get("/status").text == #"{"state":"RUNNING"}"#
        }
        let list = try await node.perigee("plugin", "list", "--home", node.home)
        #expect(list.output.contains("com.example.loop5: main.lua: used up its CPU time"), "\(list.output)")
        #expect(list.output.contains("failed"))
        #expect(list.output.contains("branch-protection"))
        try await node.stop()
    }
}
