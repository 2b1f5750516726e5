import Foundation
import Hosting
import NodeTestKit
import Testing

@Suite struct HousekeepingTests {
    @Test func whatPushesOfAKilledNodeLeftIsRemovedAfterTheNextStart() async throws {
        let home = try TestHome()
        let node = try await home.node()
        let repository = try await node.repository("tools", in: try await node.project("ONE"))
        let objects = node.path(repository) + "/objects"
        let (old, young) = (objects + "/tmp_objdir-incoming-1", objects + "/tmp_objdir-incoming-2")
        for folder in [old, young] {
            try FileManager.default.createDirectory(
                atPath: folder + "/pack", withIntermediateDirectories: true)
        }
        let hoursAgo = [FileAttributeKey.modificationDate: Date(timeIntervalSinceNow: -7200)]
        for folder in [old + "/pack", old] {
            try FileManager.default.setAttributes(hoursAgo, ofItemAtPath: folder)
        }
        await node.kill()
        let next = try await home.node()
        try await waitUntil("the leftover's end") { !FileManager.default.fileExists(atPath: old) }
        #expect(FileManager.default.fileExists(atPath: young))
        await next.hosting.stop()
    }
}
