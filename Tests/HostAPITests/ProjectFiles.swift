import Foundation

/// The files of this project, for tests that compare or run them.
enum ProjectFiles {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path()

    static func text(_ path: String) -> String? { try? String(contentsOfFile: root + path, encoding: .utf8) }

    /// Every file below a folder, by its path relative to that folder.
    static func files(below folder: String) -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        let base = URL(filePath: root + folder)
        let all = FileManager.default.enumerator(atPath: base.path())
        while let name = all?.nextObject() as? String {
            if let data = FileManager.default.contents(atPath: "\(base.path())/\(name)") {
                files[name] = [UInt8](data)
            }
        }
        return files
    }
}
