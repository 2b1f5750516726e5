import FoundationEssentials

/// The files of `sdk/conformance`: the cases, and what belongs to each of them.
package struct ConformanceSuite: Sendable {
    /// In the order of their names.
    package let cases: [ConformanceCase]
    /// Lua files that every case is installed with, by their path in the plugin.
    let library: [String: [UInt8]]

    /// Reads a folder that holds `cases` and `lib`.
    /// - Parameter only: A folder of cases, or a case's name; `nil` for all.
    /// - Throws: ``ConformanceError``.
    package init(folder: String, only: String? = nil) throws {
        var cases: [ConformanceCase] = []
        for group in Self.names(in: "\(folder)/cases") {
            for file in Self.names(in: "\(folder)/cases/\(group)") where file.hasSuffix(".lua") {
                let name = "\(group)/\(file.dropLast(4))"
                guard only == nil || only == group || only == name || only == String(file.dropLast(4)),
                    let bytes = FileManager.default.contents(atPath: "\(folder)/cases/\(name).lua")
                else { continue }
                cases.append(try ConformanceCase(name: name, source: [UInt8](bytes)))
            }
        }
        guard !cases.isEmpty else { throw ConformanceError.noCases(folder: "\(folder)/cases") }
        self.cases = cases
        var library: [String: [UInt8]] = [:]
        for file in Self.names(in: "\(folder)/lib") where file.hasSuffix(".lua") {
            library["lib/\(file)"] = FileManager.default.contents(atPath: "\(folder)/lib/\(file)").map(
                Array.init)
        }
        self.library = library
    }

    private static func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }
}
