import Foundation
import NodeTestKit
import Testing

/// A node that is killed with SIGKILL at each step of a push that it carries out itself.
@Suite struct KilledPushTests {
    private static let witness = """
        perigee.events.on("repo:refs_changed", function(event)
          perigee.log.info("saw " .. event.changes[1].refId .. " " .. event.changes[1].toHash)
        end)
        """

    @Test(arguments: [
        ("push-intended", false), ("push-migrated", false), ("push-moved", true), ("push-confirmed", true),
    ])
    func `what a killed push leaves is whole, told of if it happened, and in nobody's way`(
        step: String, happened: Bool
    ) async throws {
        let node = try RunningNode.prepare()
        try node.installPlugin(
            "com.example.witness", permissions: #"{"events": ["repo:refs_changed"]}"#, main: Self.witness)
        try await node.start()
        let place = try await GitHTTPSuite.makePushedPlace(on: node)
        let old = try await place.head()
        try await place.commit(for: .inNode)
        let new = try await place.head()
        let heldUp = try HeldUp(step, home: node.home)
        let client = Task { try await place.push(place.remote, "main") }
        try await heldUp.wait()
        try await node.kill()
        let push = try await client.value
        #expect(!push.succeeded)
        try heldUp.release()

        let folder = "\(node.home)/shared/data/repositories/\(place.id)"
        #expect(try await place.git.succeed("rev-parse", "main", in: folder) == (happened ? new : old))
        try await place.git.succeed("fsck", "--full", "--strict", in: folder)
        try await node.start()
        if happened {
            try await waitUntil("the event", detail: { node.log }) {
                node.log.contains("saw refs/heads/main \(new)")
            }
        } else {
            #expect(!node.log.contains("saw refs/heads/main \(new)"))
        }
        #expect(try await place.push(place.remote, "main").succeeded)
        try await place.git.succeed("fsck", "--full", "--strict", in: folder)
        try await waitUntil("the event", detail: { node.log }) {
            node.log.contains("saw refs/heads/main \(new)")
        }
        try await node.stop()
        #expect(try await !JournalRows.states(home: node.home).contains("intended"))
    }
}
