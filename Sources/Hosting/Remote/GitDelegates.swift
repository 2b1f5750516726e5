package import GitStore
package import NIOCore
package import Portable

/// On an upstream: what mirrors may do at git's doors: pass requests on in somebody's name, and, with a key
/// of their own, get what they are to have.
package protocol GitDelegates: Sendable {
    /// As whom the request is carried out, with the rights of now.
    /// - Parameters:
    ///   - token: By which the mirror signed the request.
    ///   - delegation: What the mirror was given for its caller's key; nil for a request that has none.
    ///   - method: Of the request.
    ///   - target: Its path and query, as it came over the wire.
    ///   - projectKey: Of the repository that is asked for.
    ///   - slug: Likewise.
    /// - Throws: ``HostingError/authenticationFailed`` when any of it does not hold.
    func principal(
        token: String, delegation: String?, method: String, target: String, projectKey: String, slug: String
    ) async throws -> Principal

    /// The mirror whose key over SSH this is.
    /// - Parameter key: Its kind and base64, as `authorized_keys` has it.
    /// - Returns: nil for a key of nobody, or of a mirror that was not accepted.
    func mirror(key: String) async throws -> MirrorVisitor?

    /// Of these mirrors, by their numbers, those that are no longer accepted.
    func removed(among mirrors: Set<Int64>) async throws -> Set<Int64>

    /// A repository that a mirror may have now.
    /// - Throws: ``HostingError/noSuchRepository(project:slug:)`` when it may not, or there is none.
    func repository(_ id: RepositoryID, for mirror: MirrorVisitor) async throws -> Repository

    /// Writes a pack of what is wanted, as for mirrors that ask over HTTP.
    /// - Throws: ``HostingError/noSuchCommit(revision:)`` before anything is written; what `body` throws.
    func writePack(
        _ request: PackRequest, of repository: Repository, to body: (ByteBuffer) async throws -> Void
    ) async throws
}

/// A mirror that has logged in over SSH.
package struct MirrorVisitor: Sendable, Hashable {
    /// Of its request to be accepted.
    package let number: Int64
    /// For logs.
    package let name: String

    /// Names both.
    package init(number: Int64, name: String) {
        self.number = number
        self.name = name
    }
}
