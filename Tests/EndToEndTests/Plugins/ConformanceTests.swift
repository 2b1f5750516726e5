import Foundation
import NodeTestKit
import Testing

@Suite struct ConformanceTests {
    @Test func `every hostile plugin of the SDK ends as it must, and its neighbours notice nothing`()
        async throws
    {
        let folder = "\(Executable.sourceRoot)/sdk/conformance"
        let outcome = try await ChildProcess.run(
            [Executable.perigee, "plugin", "conformance", "--cases", folder, "--slack", "10"],
            environment: Executable.environment, deadline: .seconds(600))
        let lines = outcome.output.split(separator: "\n")
        #expect(outcome.succeeded, "\(outcome.output)\n\(outcome.errors)")
        #expect(lines.first?.contains("EXPECTED") == true)
        #expect(lines.last?.hasSuffix(" cases, 0 not as expected") == true)
        #expect(lines.count > 60, "a line for each case")
    }

    @Test func `a case that does not end as expected makes the exit code 1`() async throws {
        let folder = try TemporaryDirectory("cases")
        try folder.write(
            "-- what: ends well\n-- expect: killed timeout\nlocal x = 1\n", to: "cases/mine/01-well.lua")
        try folder.write(
            "-- what: fails\n-- expect: failed mine\nerror('mine')\n", to: "cases/mine/02-fails.lua")
        let node = try await RunningNode.start()
        let outcome = try await node.perigee(
            "plugin", "conformance", "--home", node.home, "--cases", folder.path)
        #expect(outcome.status == 1)
        #expect(outcome.output.contains(#/mine/01-well +killed timeout +\d+ ms  NOT ok/#))
        #expect(outcome.output.contains(#/mine/02-fails +failed mine +\d+ ms  failed main.lua:3: mine/#))
        #expect(outcome.output.contains("2 cases, 1 not as expected"))
        // Nothing of it is left on the node.
        let plugins = try await node.perigee("plugin", "list", "--home", node.home)
        #expect(plugins.succeeded && !plugins.output.contains("conformance"))
        #expect(try await node.http.get("/rest/api/latest/projects/CONFORM").status == 404)
        try await node.stop()
    }
}
