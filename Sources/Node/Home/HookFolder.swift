import Glibc
import Hosting

/// The one folder that git runs hooks from: `bin/hooks` of the home, holding links to `perigee-hook`.
enum HookFolder {
    /// Makes the folder, or puts it right.
    /// - Returns: Its path.
    /// - Throws: ``StartError/hookMissing(searched:)``; ``StartError/home(path:problem:action:)``.
    static func prepare(layout: HomeLayout, distribution: Distribution) throws(StartError) -> String {
        guard access(distribution.hookProgram, X_OK) == 0 else {
            throw .hookMissing(searched: distribution.hookProgram)
        }
        let folder = "\(layout.bin)/hooks"
        guard mkdir(folder, 0o750) == 0 || errno == EEXIST else { throw problem(folder) }
        for name in ["pre-receive", noAlternateRefs] {
            let link = "\(folder)/\(name)"
            let draft = "\(link).\(getpid())"
            unlink(draft)
            guard symlink(distribution.hookProgram, draft) == 0, rename(draft, link) == 0 else {
                throw problem(link)
            }
        }
        return folder
    }

    /// The name by which the hook's program says nothing.
    static let noAlternateRefs = "no-alternate-refs"

    private static func problem(_ path: String) -> StartError {
        .home(
            path: path, problem: String(cString: strerror(errno)),
            action: "Make the home writable for the user that runs Perigee.")
    }
}
