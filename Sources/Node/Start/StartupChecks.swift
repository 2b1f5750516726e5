import FoundationEssentials
import GitStore
import Glibc
import HTTPServing
import Hosting

/// What must hold before a node touches anything: each check throws a ``StartError`` that says what to do.
enum StartupChecks {
    /// The home can be written, by its owner only.
    static func home(_ layout: HomeLayout) throws {
        for folder in [layout.home, layout.run, layout.log, layout.data, layout.repositories] {
            guard access(folder, R_OK | W_OK | X_OK) == 0 else {
                throw StartError.home(
                    path: folder, problem: String(cString: strerror(errno)),
                    action: "Make it writable for the user that runs Perigee.")
            }
        }
        for folder in [layout.home, layout.shared] { try notWritableByAll(folder) }
    }

    /// Nobody else can put code where plugins are run from.
    static func plugins(_ folders: [String]) throws {
        for folder in folders {
            try notWritableByAll(folder)
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            for name in names { try notWritableByAll("\(folder)/\(name)") }
        }
    }

    /// The clock is within the years in which this program can run.
    static func clock(now: Date = Date()) throws {
        let earliest = Date(timeIntervalSince1970: 1_767_225_600)  // 2026-01-01
        let latest = Date(timeIntervalSince1970: 4_102_444_800)  // 2100-01-01
        guard now >= earliest, now < latest else {
            throw StartError.clock(now: now.formatted(.iso8601))
        }
    }

    /// Where there are repositories there is a database; an empty one is never made beside them.
    static func database(_ layout: HomeLayout) throws {
        guard access(layout.databaseFile, F_OK) != 0 else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: layout.repositories)) ?? []
        let repositories = names.filter { Int64($0) != nil }.count
        guard repositories == 0 else {
            throw StartError.databaseMissing(path: layout.databaseFile, repositories: repositories)
        }
    }

    /// The absolute path of the git program.
    /// - Parameter name: As configured; one without a slash is looked up in `searchPath`.
    static func gitExecutable(_ name: String, searchPath: String) throws -> String {
        let candidates =
            name.contains("/") ? [name] : searchPath.split(separator: ":").map { "\($0)/\(name)" }
        guard let path = candidates.first(where: { $0.hasPrefix("/") && access($0, X_OK) == 0 }) else {
            throw StartError.git(
                "the git program \"\(name)\" is missing. Install git 2.39.1 or newer, or set "
                    + "git.path.executable."
            )
        }
        return path
    }

    /// The files for TLS can be used, and belong together.
    static func tls(_ serving: HTTPServingConfiguration) throws {
        do {
            try serving.tls?.check()
        } catch {
            throw StartError.tls(error)
        }
    }

    private static func notWritableByAll(_ path: String) throws {
        guard let mode = SystemFile.mode(of: path), mode & 0o002 != 0 else { return }
        throw StartError.writableByAll(path: path)
    }
}
