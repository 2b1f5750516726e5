import FoundationEssentials

/// Reads a plugin that lies unpacked in a folder, under the rules of a packed one.
enum PackageFolder {
    /// The Lua files and the manifest by name.
    /// - Throws: ``PackageError`` for links, special files, names that no packed plugin could have, or too
    ///   much.
    static func files(at path: String) throws(PackageError) -> [String: [UInt8]] {
        var reading = Reading(root: path)
        try reading.read(folder: "")
        return reading.files
    }

    /// One file's bytes.
    static func file(at path: String, name: String, bytesMax: Int) throws(PackageError) -> [UInt8] {
        let bytes: Data
        do {
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
            guard size <= bytesMax else {
                throw PackageError.tooLarge(what: "\(name) has \(size) bytes", limit: "16 MiB")
            }
            bytes = try Data(contentsOf: URL(filePath: path))
        } catch let error as PackageError {
            throw error
        } catch {
            throw .unreadable(name: name, reason: "\(error)")
        }
        return [UInt8](bytes)
    }

    private struct Reading {
        let root: String
        var files: [String: [UInt8]] = [:]
        var names = NameCheck()
        var count = 0
        var bytes = 0

        mutating func read(folder: String) throws(PackageError) {
            let path = folder.isEmpty ? root : "\(root)/\(folder)"
            let entries: [String]
            do {
                entries = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
            } catch {
                throw .unreadable(name: folder.isEmpty ? path : folder, reason: "\(error)")
            }
            for entry in entries where !entry.hasPrefix(".") {
                try read(name: folder.isEmpty ? entry : "\(folder)/\(entry)", path: "\(path)/\(entry)")
            }
        }

        private mutating func read(name: String, path: String) throws(PackageError) {
            if let problem = PackageFileName.problem(of: name) {
                throw .badEntry(name: name, reason: problem)
            }
            let kind: FileAttributeType?
            do {
                kind = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
            } catch {
                throw .unreadable(name: name, reason: "\(error)")
            }
            switch kind {
            case .typeDirectory?:
                try names.add(name, isFolder: true)
                try read(folder: name)
            case .typeRegular?:
                try names.add(name, isFolder: false)
                try add(name: name, path: path)
            default:
                throw .badEntry(
                    name: name, reason: "is a link or a device; only files and folders are allowed")
            }
        }

        private mutating func add(name: String, path: String) throws(PackageError) {
            count += 1
            guard count <= PackageLimits.filesMax else {
                throw .tooLarge(what: "more than \(PackageLimits.filesMax) files", limit: "1,000")
            }
            guard name.hasSuffix(".lua") || name == "plugin.json" else { return }
            let content = try PackageFolder.file(at: path, name: name, bytesMax: PackageLimits.bytesMax)
            bytes += content.count
            guard bytes <= PackageLimits.bytesMax else {
                throw .tooLarge(what: "the files have more than 16 MiB", limit: "16 MiB")
            }
            files[name] = content
        }
    }
}
