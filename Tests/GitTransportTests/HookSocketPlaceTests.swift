import Foundation
import NodeTestKit
import Testing

@testable import GitTransport

@Suite struct HookSocketPlaceTests {
    private let manager = FileManager.default

    @Test func `a short home has the socket in its own folder`() throws {
        let directory = try TemporaryDirectory("run")
        let place = try HookSocketPlace(run: directory.path)
        #expect(place.path == "\(directory.path)/hooks/hook.sock")
        // What a killed node left there does not matter.
        try directory.write("", to: "hooks/hook.sock")
        let again = try HookSocketPlace(run: directory.path)
        #expect(again.path == place.path)
        again.remove()
        #expect(try manager.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test func `a long home has it elsewhere, and the next start removes what a killed node left`() throws {
        let directory = try TemporaryDirectory(String(repeating: "long", count: 30))
        let first = try HookSocketPlace(run: directory.path)
        #expect(first.path.utf8.count <= HookSocketPlace.pathBytesMax)
        #expect(manager.createFile(atPath: first.path, contents: nil))
        #expect(try manager.destinationOfSymbolicLink(atPath: directory.path("hooks")) == first.directory)
        let second = try HookSocketPlace(run: directory.path)
        #expect(!manager.fileExists(atPath: first.directory))
        #expect(first.directory != second.directory)
        let mode = try manager.attributesOfItem(atPath: second.directory)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o700)
        second.remove()
        #expect(!manager.fileExists(atPath: second.directory))
        #expect(try manager.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test(arguments: ["", "long"])
    func `a link to anything else is removed, and what it leads to is not`(length: String) throws {
        let directory = try TemporaryDirectory("x" + String(repeating: length, count: 30))
        let other = try TemporaryDirectory("other")
        try other.write("kept", to: "hook.sock")
        try manager.createSymbolicLink(
            atPath: directory.path("hooks"), withDestinationPath: other.path + "/.")
        let place = try HookSocketPlace(run: directory.path)
        #expect(place.directory != other.path)
        #expect(manager.fileExists(atPath: other.path("hook.sock")))
        place.remove()
    }
}
