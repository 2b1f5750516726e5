package import NIOCore

/// Where git is, and with what means a ``GitStore`` works.
package struct GitConfiguration: Sendable {
    /// The absolute path of the `git` program.
    package var gitExecutable: String
    /// The absolute path of the one folder hooks are run from; repositories' own hooks are never run.
    package var hooksDirectory: String
    /// A program that ends at once and says nothing.
    ///
    /// In the quarantine of a push, git asks the repository itself for its refs as if it were another one's,
    /// though it has read them all; it asks this program instead.
    package var noAlternateRefs: String
    /// The event loops that the pipes of child processes are read and written on.
    package var eventLoopGroup: any EventLoopGroup
    /// How many threads read repositories in this process; at least 1.
    package var threads: Int
    /// How many threads one `git pack-objects` may use; nil leaves 1 on machines of up to two cores, else 2.
    package var packThreads: Int?

    /// Makes a configuration.
    package init(
        gitExecutable: String = "/usr/bin/git", hooksDirectory: String,
        noAlternateRefs: String = "/bin/true", eventLoopGroup: any EventLoopGroup,
        threads: Int = 4, packThreads: Int? = nil
    ) {
        self.gitExecutable = gitExecutable
        self.hooksDirectory = hooksDirectory
        self.noAlternateRefs = noAlternateRefs
        self.eventLoopGroup = eventLoopGroup
        self.threads = max(1, threads)
        self.packThreads = packThreads
    }

    var packThreadCount: Int { max(1, packThreads ?? (System.coreCount <= 2 ? 1 : 2)) }
}
