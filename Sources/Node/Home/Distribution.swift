import FoundationEssentials

/// Where the parts of the installed program are, found from the running executable.
package struct Distribution: Sendable {
    /// The folder of the executable.
    package let programs: String

    /// The distribution that this process runs from.
    package init() {
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        self.init(programs: path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".")
    }

    /// A distribution whose executables are in `programs`.
    package init(programs: String) {
        self.programs = programs
    }

    /// The program that git runs as a hook.
    package var hookProgram: String { "\(programs)/perigee-hook" }

    /// The folder of first-party plugins: `plugins` or `share/perigee/plugins`, in the executable's folder
    /// or in
    /// one of the five above it, that holds at least one plugin; `nil` when there is none.
    package func findPlugins() -> String? {
        find("plugins", where: Self.holdsPlugin)
    }

    /// The folder of hostile plugins, `sdk/conformance` or `share/perigee/sdk/conformance`, found likewise.
    package func findConformance() -> String? {
        find("sdk/conformance") { FileManager.default.fileExists(atPath: "\($0)/cases") }
    }

    private func find(_ name: String, where isWanted: (String) -> Bool) -> String? {
        var folder = programs
        for _ in 0...5 {
            for candidate in ["\(folder)/\(name)", "\(folder)/share/perigee/\(name)"]
            where isWanted(candidate) {
                return candidate
            }
            guard let slash = folder.lastIndex(of: "/"), slash != folder.startIndex else { return nil }
            folder = String(folder[..<slash])
        }
        return nil
    }

    private static func holdsPlugin(_ folder: String) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.contains { FileManager.default.fileExists(atPath: "\(folder)/\($0)/plugin.json") }
    }
}
