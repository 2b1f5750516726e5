import Foundation

/// Where the built programs are: beside the test bundle that runs.
package enum Executable {
    /// The absolute path of `perigee`.
    package static let perigee = "\(buildDirectory)/perigee"
    /// The absolute path of `perigee-hook`.
    package static let perigeeHook = "\(buildDirectory)/perigee-hook"
    /// The root of the source tree, found above the build directory.
    package static let sourceRoot: String = {
        var folder = URL(fileURLWithPath: buildDirectory)
        while folder.path != "/" {
            if FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path) {
                return folder.path
            }
            folder.deleteLastPathComponent()
        }
        return FileManager.default.currentDirectoryPath
    }()

    /// The whole environment of a program that the kit starts.
    package static var environment: [String: String] {
        [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "HOME": NSTemporaryDirectory(),
        ]
    }

    private static let buildDirectory: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }()
}
