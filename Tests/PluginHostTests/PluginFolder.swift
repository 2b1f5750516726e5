import Foundation

/// A folder of plugins that lasts as long as a test.
final class PluginFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "plugins-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a plugin's folder, over the one that is there.
    func write(
        _ id: String, main: String, manifest: String = "", folder: String? = nil,
        files: [String: String] = [:]
    )
        throws
    {
        let extra = manifest.isEmpty ? "" : ", \(manifest)"
        let json = "{\"id\": \"\(id)\", \"version\": \"1.0.0\", \"api\": 1\(extra)}"
        try write(folder ?? id, files: ["plugin.json": json, "main.lua": main].merging(files) { $1 })
    }

    func write(_ folder: String, files: [String: String]) throws {
        for (name, text) in files {
            let file = URL(filePath: "\(path)/\(folder)/\(name)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    func write(_ name: String, bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
}
