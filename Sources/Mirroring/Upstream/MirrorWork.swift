package import Hosting
package import Portable
internal import SharedDatabase

/// What a mirror's nodes are to do about a repository.
package struct MirrorWork: Sendable, Hashable {
    /// What has changed.
    package enum Kind: Sendable, Hashable {
        /// These refs.
        case refs([RefChange])
        /// Refs that are too many to list, or nobody knows which.
        case snapshot
        /// What the server knows of the repository, or whether it is there.
        case metadata
        /// Both: refs that nobody lists, and what the server knows.
        case everything
    }

    /// How far the nodes may go; the raw value is stored and sent.
    package enum Phase: String, Sendable, Hashable {
        /// Get the objects, and show nothing yet.
        case prepare
        /// Show it.
        case publish
    }

    /// Which repository.
    package let repository: RepositoryID
    /// Counts the changes of the repository for the mirror.
    package let generation: Int64
    /// What has changed.
    package let kind: Kind
    /// How far to go.
    package let phase: Phase
    /// The digest of the upstream's refs of pull requests at that time, empty when there were none; nil when
    /// they do not matter.
    package let pulls: String?

    /// More changes than this are a snapshot.
    static let changesMax = 1_000

    /// As it goes to a mirror.
    package var portable: PortableValue {
        [
            "repository": .integer(repository.rawValue), "generation": .integer(generation),
            "phase": .string(phase.rawValue), "kind": .string(kind.name), "changes": kind.changes,
            "pulls": .optional(pulls),
        ]
    }

    /// Reads what ``portable`` wrote; nil for anything else.
    package init?(_ value: PortableValue) {
        guard let repository = value["repository"]?.integerValue,
            let generation = value["generation"]?.integerValue,
            let phase = value["phase"]?.stringValue.flatMap(Phase.init(rawValue:)),
            let kind = Kind(name: value["kind"]?.stringValue, changes: value["changes"])
        else { return nil }
        self.init(
            repository: RepositoryID(repository), generation: generation, kind: kind, phase: phase,
            pulls: value["pulls"]?.stringValue)
    }

    /// Several items of one repository as one: the last generation, and all that has changed.
    package init(merging items: [MirrorWork], phase: Phase) {
        self.init(
            repository: items.last?.repository ?? RepositoryID(0),
            generation: items.map(\.generation).max() ?? 0, kind: .merged(items.map(\.kind)), phase: phase,
            pulls: items.last { $0.pulls != nil }?.pulls)
    }

    init(repository: RepositoryID, generation: Int64, kind: Kind, phase: Phase, pulls: String? = nil) {
        self.repository = repository
        self.generation = generation
        self.kind = kind
        self.phase = phase
        self.pulls = pulls
    }

    init(row: DatabaseRow) throws {
        let stored = try MessagePack.decode(try row.blob("changes"), limits: .unlimited)
        self.init(
            repository: try row.id("repository_id"), generation: try row.integer("generation"),
            kind: Kind(name: stored["kind"]?.stringValue, changes: stored["changes"]) ?? .snapshot,
            phase: Phase(rawValue: try row.text("phase")) ?? .publish, pulls: stored["pulls"]?.stringValue)
    }
}

extension MirrorWork.Kind {
    /// Whether what the server knows of the repository may have changed.
    var hasMetadata: Bool { self == .metadata || self == .everything }

    /// Whether it does not say which refs have changed.
    var isSnapshot: Bool {
        if case .refs = self { return false }
        return true
    }

    var name: String {
        switch self {
        case .refs: "refs"
        case .snapshot: "snapshot"
        case .metadata: "metadata"
        case .everything: "everything"
        }
    }

    var changes: PortableValue {
        guard case .refs(let changes) = self else { return .null }
        return .list(
            changes.map { .list([.string($0.ref.full), .string($0.from.hex), .string($0.to.hex)]) })
    }

    /// As it is stored.
    func stored(pulls: String?) -> PortableValue {
        ["kind": .string(name), "changes": changes, "pulls": .optional(pulls)]
    }

    init?(name: String?, changes: PortableValue?) {
        switch name {
        case "snapshot": self = .snapshot
        case "metadata": self = .metadata
        case "everything": self = .everything
        case "refs":
            var read: [RefChange] = []
            for entry in changes?.listValue ?? [] {
                guard let name = entry[0]?.stringValue, let ref = try? RefName(name),
                    let from = entry[1]?.stringValue.flatMap({ ObjectID($0) }),
                    let to = entry[2]?.stringValue.flatMap({ ObjectID($0) })
                else { return nil }
                read.append(RefChange(ref: ref, from: from, to: to))
            }
            self = .refs(read)
        default: return nil
        }
    }

    /// Several changes after each other as one: the first old value and the last new one of each ref.
    package static func merged(_ kinds: [MirrorWork.Kind]) -> MirrorWork.Kind {
        var merged: [RefName: RefChange] = [:]
        for kind in kinds {
            guard case .refs(let changes) = kind else { continue }
            for change in changes {
                let from = merged[change.ref]?.from ?? change.from
                merged[change.ref] = RefChange(ref: change.ref, from: from, to: change.to)
            }
        }
        if kinds.contains(where: \.hasMetadata) {
            return kinds.allSatisfy { $0 == .metadata } ? .metadata : .everything
        }
        if kinds.contains(.snapshot) || merged.count > MirrorWork.changesMax { return .snapshot }
        return .refs(merged.values.sorted { $0.ref.full < $1.ref.full })
    }
}
