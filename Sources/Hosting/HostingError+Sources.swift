internal import GitStore
internal import Portable
internal import SharedDatabase

extension HostingError {
    /// What an error of the database means for the domain.
    init(_ error: DatabaseError) {
        switch error {
        case .full: self = .diskFull
        case .busy: self = .busy(retryAfter: .seconds(1))
        case .constraint(kind: .unique, _):
            self = .conflict(message: "The name was just taken. Choose another one.")
        case .constraint(kind: .foreignKey, _):
            self = .conflict(message: "It was just changed by somebody else. Look again.")
        default: self = .unavailable(reason: error.description)
        }
    }

    /// What an error of a repository on disk means for the domain.
    init(_ error: GitStoreError) {
        switch error {
        case .diskFull: self = .diskFull
        case .refConflict(let name, _, let actual):
            self = .conflict(
                message: actual.isZero
                    ? "\(name) does not exist (any more). Look again."
                    : "\(name) is at \(actual.short) now. Look again.")
        case .refBlocked(let name, let other):
            self = .conflict(message: "\(name) cannot exist beside \(other). Choose another name.")
        case .locked: self = .busy(retryAfter: .seconds(1))
        case .invalidName(let name):
            self = .invalid(field: "name", message: "\"\(name)\" is not a name that git allows.")
        case .noSuchObject(let id): self = .noSuchCommit(revision: id.hex)
        default: self = .unavailable(reason: error.description)
        }
    }
}
