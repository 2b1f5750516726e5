import Foundation

/// A wall clock that a test can put forward and back, for one process: `libfaketime` reads the file
/// each time.
package struct FakedClock: Sendable {
    private let file: String

    /// A clock that is right.
    package init(file: String) throws {
        self.file = file
        try set("+0")
    }

    /// What a process that is to have this clock needs.
    /// - Throws: ``TestKitError/protocolViolation(_:)`` without `libfaketime`.
    package var environment: [String: String] {
        get throws {
            let root = "/usr/lib"
            let folders = try FileManager.default.contentsOfDirectory(atPath: root)
            let library = folders.map { "\(root)/\($0)/faketime/libfaketime.so.1" }
                .first { FileManager.default.fileExists(atPath: $0) }
            guard let library else { throw TestKitError.protocolViolation("libfaketime is not installed") }
            return [
                "LD_PRELOAD": library,
                "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1",
                // The clocks that never jump stay as they are, as they do when a machine's clock is set.
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
            ]
        }
    }

    /// Puts it forward, `+3600`, or back, in seconds.
    package func set(_ offset: String) throws {
        // Another user's process may read it, and must never find it half written.
        let (next, bytes) = ("\(file).next", Data((offset + "\n").utf8))
        let isMade = FileManager.default.createFile(
            atPath: next, contents: bytes, attributes: [.posixPermissions: 0o644])
        guard isMade, rename(next, file) == 0 else { throw TestKitError.system(call: "rename", code: errno) }
    }

    /// Whether the node's log has lines of that time.
    package func isSeen(_ offset: String, by node: RunningNode) async throws -> Bool {
        // Each request is a line in the log.
        _ = try await node.anonymous.get("/status")
        let expected = Date().timeIntervalSince1970 + (Double(offset) ?? 0)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return node.log.split(separator: "\n").suffix(3).contains { line in
            guard let time = try? style.parse(String(line.prefix { $0 != " " })) else { return false }
            return abs(time.timeIntervalSince1970 - expected) < 60
        }
    }
}
