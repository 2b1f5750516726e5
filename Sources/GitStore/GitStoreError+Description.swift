import Portable

extension GitStoreError {
    /// The fact as a lower-case clause.
    package var description: String {
        switch self {
        case .gitUnavailable(let executable, let reason): "git at \(executable): \(reason)"
        case .gitTooOld(let found, let oldest): "git \(found) is older than \(oldest)"
        case .notARepository(let path, let reason): "no repository at \(path): \(reason)"
        case .alreadyExists(let path): "\(path) already exists"
        case .noSuchObject(let id): "object \(id) is not in the repository"
        case .wrongType(let id, let wanted): "object \(id) is no \(wanted)"
        case .invalidName(let name): "\"\(name)\" is not a name git accepts"
        case .refConflict(let name, let expected, let actual):
            "ref \(name): expected \(Self.text(expected)), is \(Self.text(actual))"
        case .refBlocked(let name, let other): "ref \(name) cannot exist beside \(other)"
        case .locked(let path): "\(path) is locked by another writer"
        case .diskFull(let path): "no space left on the disk of \(path)"
        case .system(let operation, let path, let errno): "\(operation) \(path): \(SystemCall.text(errno))"
        case .unreadable(let operation, let reason): "\(operation): \(reason)"
        case .processFailed(let command, let status, let standardError):
            "git \(command): \(status)\(standardError.isEmpty ? "" : ": \(standardError)")"
        case .malformedPacket(let reason): "malformed packet: \(reason)"
        case .remoteRefused(let reason): reason
        case .stopped: "the store has been stopped"
        }
    }

    private static func text(_ id: ObjectID) -> String { id.isZero ? "none" : id.hex }
}
