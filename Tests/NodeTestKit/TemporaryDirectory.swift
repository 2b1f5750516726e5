package import Foundation
import Synchronization

/// A directory of its own under the system's temporary folder, removed when the last reference to it goes,
/// or when
/// the test process ends.
package final class TemporaryDirectory: Sendable {
    /// The absolute path, without a trailing slash.
    package let path: String

    /// Makes the directory, private to this user.
    /// - Parameter label: Part of the name, so that a leftover tells which test made it.
    package init(_ label: String = "test") throws {
        var template = Array("\(NSTemporaryDirectory())perigee-\(label)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestKitError.system(call: "mkdtemp", code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        Self.live.add(path)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        Self.live.remove(path)
    }

    private static let live = LiveDirectories()

    /// The path of `name` inside the directory; nothing is made.
    package func path(_ name: String) -> String {
        "\(path)/\(name)"
    }

    /// Writes `text` to `name`, making the folders above it.
    /// - Returns: The file's path.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        try write(Data(text.utf8), to: name)
    }

    /// Writes `bytes` to `name`, making the folders above it.
    /// - Returns: The file's path.
    @discardableResult
    package func write(_ bytes: Data, to name: String) throws -> String {
        let file = URL(fileURLWithPath: path(name))
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try bytes.write(to: file)
        return file.path
    }

    /// Makes the folder `name` and those above it.
    /// - Returns: Its path.
    @discardableResult
    package func folder(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
        return path(name)
    }
}

/// The directories that are there now; what is left of them goes when the process ends, as what a suite
/// keeps in a
/// static property is never released.
private final class LiveDirectories: Sendable {
    private let paths = Mutex<Set<String>>([])

    init() {
        atexit { TemporaryDirectory.removeAll() }
    }

    func add(_ path: String) { _ = paths.withLock { $0.insert(path) } }
    func remove(_ path: String) { _ = paths.withLock { $0.remove(path) } }
    var all: Set<String> { paths.withLock { $0 } }
}

extension TemporaryDirectory {
    fileprivate static func removeAll() {
        for path in live.all { try? FileManager.default.removeItem(atPath: path) }
    }
}
