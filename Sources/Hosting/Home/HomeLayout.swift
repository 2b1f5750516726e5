internal import FoundationEssentials
package import Portable

/// Where everything lies below the home directory and the shared home directory.
///
/// The only place that makes repository paths: from ids, never from names.
/// - Source: "Bitbucket Server home directory": `bin caches export lib log run shared tmp`, and below
///   `shared` the folders `config`, `data` and `plugins`.
package struct HomeLayout: Sendable {
    /// The node's own home.
    package let home: String
    /// The home that the nodes of a cluster share; `home/shared` unless set.
    package let shared: String

    /// Names a home; nothing is made yet.
    /// - Parameter home: An absolute path.
    /// - Parameter sharedHome: An absolute path, or nil for `shared` below the home.
    package init(home: String, sharedHome: String? = nil) {
        self.home = home
        self.shared = sharedHome ?? home + "/shared"
    }

    /// Executables that the operator adds.
    package var bin: String { home + "/bin" }
    /// What can be made again at any time.
    package var caches: String { home + "/caches" }
    /// What was exported.
    package var export: String { home + "/export" }
    /// Libraries that the operator adds.
    package var lib: String { home + "/lib" }
    /// Log files.
    package var log: String { home + "/log" }
    /// What only means something while the node runs: `node.json`, sockets, the local token.
    package var run: String { home + "/run" }
    /// Temporary files.
    package var tmp: String { home + "/tmp" }
    /// Configuration that the nodes share.
    package var config: String { shared + "/config" }
    /// The keys by which the nodes prove themselves to SSH clients.
    package var sshHostKeys: String { config + "/ssh" }
    /// Data that the nodes share.
    package var data: String { shared + "/data" }
    /// Attachments.
    package var attachments: String { data + "/attachments" }
    /// Avatars of projects and users.
    package var avatars: String { data + "/avatars" }
    /// The bare repositories, one folder per id.
    package var repositories: String { data + "/repositories" }
    /// Everything about plugins.
    package var plugins: String { shared + "/plugins" }
    /// Plugins that the operator installed.
    package var installedPlugins: String { plugins + "/installed-plugins" }
    /// The file of settings.
    package var propertiesFile: String { shared + "/perigee.properties" }
    /// The embedded database.
    package var databaseFile: String { data + "/perigee.sqlite" }

    /// Where a repository lies: by its id alone.
    package func repository(_ id: RepositoryID) -> String { repositories + "/" + String(id.rawValue) }

    /// Makes every folder that is missing, readable by the owner and group only (0750).
    /// - Throws: ``HostingError/unavailable(reason:)`` naming the folder that cannot be made.
    package func create() throws(HostingError) {
        let folders = [
            home, bin, caches, export, lib, log, run, tmp, shared, config, data, attachments, avatars,
            repositories, plugins, installedPlugins,
        ]
        for folder in folders {
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
            } catch {
                throw .unavailable(reason: "the folder \(folder) cannot be made (\(error))")
            }
        }
    }
}
