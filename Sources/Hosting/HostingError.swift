/// What the domain refuses, and why; doors map each case to a status and a sentence.
///
/// Cases carry facts. ``message`` is the sentence for people; ``description`` the clause for logs.
package enum HostingError: Error, Sendable, Equatable {
    /// No project has this key, or the caller may not see it.
    case noSuchProject(key: String)
    /// No repository has this slug in this project, or the caller may not see it.
    case noSuchRepository(project: String, slug: String)
    /// No user has this name.
    case noSuchUser(name: String)
    /// No group has this name.
    case noSuchGroup(name: String)
    /// No access token has this id for this owner.
    case noSuchToken(id: String)
    /// No SSH key has this id, or the caller may not see it.
    case noSuchKey(id: String)
    /// The repository has no branch of this name.
    case noSuchBranch(name: String)
    /// The repository has no tag of this name.
    case noSuchTag(name: String)
    /// Nothing in the repository is named so: neither commit, branch nor tag.
    case noSuchCommit(revision: String)
    /// The commit has no file or folder at this path.
    case noSuchPath(path: String, revision: String)
    /// The default branch of the repository does not exist (yet).
    case noDefaultBranch(name: String)
    /// Another thing of this kind has the name already.
    case duplicate(what: String, name: String)
    /// A value from outside breaks a rule; `message` says which and what would be right.
    case invalid(field: String, message: String)
    /// The caller is known but lacks `permission` for what it asked.
    case notAuthorised(permission: Permission, message: String)
    /// The credentials are wrong, expired, or of a disabled user; deliberately not said which.
    case authenticationFailed
    /// An anonymous caller asked for something that needs a user.
    case authenticationRequired
    /// The project still has repositories.
    case notEmpty(project: String, repositories: Int)
    /// A guard, a plugin or a rule of the server refused the change; the text is for the git client.
    case refused(text: String)
    /// The state is not the one that the caller expected.
    case conflict(message: String)
    /// Too much is going on; worth another try after the given time.
    case busy(retryAfter: Duration)
    /// The repository is archived, so it can only be read.
    case archived(project: String, slug: String)
    /// The repository is being created, or its creation did not complete.
    case notReady(project: String, slug: String)
    /// Something that the server needs is away; `reason` is a clause.
    case unavailable(reason: String)
    /// The disk below the home is full.
    case diskFull
}

extension HostingError {
    /// The fact, then one action where there is one: a sentence for a person at a client.
    package var message: String {
        switch self {
        case .noSuchProject(let key): "Project \(key) does not exist."
        case .noSuchRepository(let project, let slug): "Repository \(project)/\(slug) does not exist."
        case .noSuchUser(let name): "User \"\(name)\" does not exist."
        case .noSuchGroup(let name): "Group \"\(name)\" does not exist."
        case .noSuchToken(let id): "Access token \(id) does not exist."
        case .noSuchKey(let id): "SSH key \(id) does not exist."
        case .noSuchBranch(let name): "Branch \"\(name)\" does not exist in this repository."
        case .noSuchTag(let name): "Tag \"\(name)\" does not exist in this repository."
        case .noSuchCommit(let revision): "Commit \"\(revision)\" does not exist in this repository."
        case .noSuchPath(let path, let revision):
            "The path \"\(path)\" does not exist at revision \"\(revision)\"."
        case .noDefaultBranch(let name):
            "The default branch \"\(name)\" does not exist. Push it or set another one."
        case .duplicate(let what, let name):
            "A \(what) named \"\(name)\" already exists. Choose another name."
        case .invalid(_, let message), .notAuthorised(_, let message), .conflict(let message): message
        case .authenticationFailed:
            "The credentials are not valid. Check the user name and password, or the token."
        case .authenticationRequired: "This needs a user. Authenticate and try again."
        case .notEmpty(let project, let count):
            "Project \(project) still has \(count) \(count == 1 ? "repository" : "repositories"). "
                + "Delete or move them first."
        case .refused(let text): text
        case .busy: "The server is busy. Try again in a moment."
        case .archived(let project, let slug):
            "Repository \(project)/\(slug) is archived. Unarchive it to change it."
        case .notReady(let project, let slug):
            "Repository \(project)/\(slug) is not ready yet. Try again in a moment."
        case .unavailable(let reason): "The server cannot do this now: \(reason). Try again later."
        case .diskFull: "The server's disk is full. Ask the administrator to free space."
        }
    }
}

extension HostingError: CustomStringConvertible {
    /// A lower-case clause for logs, without full stop.
    package var description: String {
        let sentence = message
        guard sentence.hasSuffix("."), let first = sentence.first else { return sentence }
        return first.lowercased() + sentence.dropFirst().dropLast()
    }
}
