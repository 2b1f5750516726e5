package import Portable

/// What can go wrong with a repository on disk, or with a `git` process.
package enum GitStoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The `git` program is not there, or cannot be run.
    case gitUnavailable(executable: String, reason: String)
    /// The `git` program is older than ``GitVersion/oldestSupported``.
    case gitTooOld(found: GitVersion, oldest: GitVersion)
    /// There is no repository at the path, or it is not one git would accept.
    case notARepository(path: String, reason: String)
    /// A repository cannot be made where something already is.
    case alreadyExists(path: String)
    /// The object is not in the repository.
    case noSuchObject(ObjectID)
    /// The object is there, but is not of the wanted type.
    case wrongType(ObjectID, wanted: String)
    /// The text is not a name git would accept.
    case invalidName(String)
    /// The ref is not at the value the change was made for; nothing was changed.
    case refConflict(name: RefName, expected: ObjectID, actual: ObjectID)
    /// The ref cannot exist beside another one, as `a` cannot beside `a/b`; nothing was changed.
    case refBlocked(name: RefName, by: String)
    /// Another writer holds the lock; nothing was changed.
    case locked(path: String)
    /// No space is left on the disk, or the quota is used up.
    case diskFull(path: String)
    /// A call of the operating system was refused.
    case system(operation: String, path: String, errno: Int32)
    /// libgit2 could not read what is on disk.
    case unreadable(operation: String, reason: String)
    /// A `git` process ended otherwise than with 0.
    case processFailed(command: String, status: ExitStatus, standardError: String)
    /// What came from a git program or client is not git's wire format.
    case malformedPacket(reason: String)
    /// A push to a foreign repository that is not made; `reason` is a clause.
    case remoteRefused(reason: String)
    /// The store has been stopped.
    case stopped
}
