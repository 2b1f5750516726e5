internal import Portable
internal import SharedDatabase

/// How far a mirror's wish to be accepted is; the raw value is what clients see.
/// - Source: Bitbucket Server's REST API, `RestMirroringRequest`.
package enum MirrorState: String, Sendable, Hashable, CaseIterable {
    /// An administrator has to decide.
    case pending = "PENDING"
    /// It may mirror.
    case accepted = "ACCEPTED"
    /// It may not.
    case rejected = "REJECTED"
}

/// Which projects a mirror has; the raw value is what clients see.
package enum MirrorMode: String, Sendable, Hashable, CaseIterable {
    /// All, also those that come.
    case allProjects = "ALL_PROJECTS"
    /// The chosen ones.
    case selectedProjects = "SELECTED_PROJECTS"
}

/// What a mirror says of itself; the same on every node of a farm.
package struct MirrorProperties: Sendable, Hashable {
    /// What people read: `setup.displayName`.
    package var name: String
    /// Where clients find it: `setup.baseUrl`, without a slash at the end.
    package var baseURL: String
    /// `SINGLE` or `FARM`.
    package var type: String
    /// Of Perigee.
    package var version: String
    /// The half of its key that may be known, 32 bytes.
    package var publicKey: [UInt8]
    /// By which it fetches over SSH, in OpenSSH's form; nil when it does not.
    package var sshKey: String?

    /// Everything that there is to say.
    package init(
        name: String, baseURL: String, type: String, version: String, publicKey: [UInt8],
        sshKey: String? = nil
    ) {
        self.name = name
        self.baseURL = baseURL
        self.type = type
        self.version = version
        self.publicKey = publicKey
        self.sshKey = sshKey
    }

    /// The mirror's id.
    package var id: MirrorID { MirrorID(publicKey: publicKey) }

    /// Says what another node of the same farm has otherwise; nil when nothing matters.
    package func difference(from known: MirrorProperties) -> String? {
        if name != known.name {
            return "setup.displayName is \"\(name)\", the farm's is \"\(known.name)\""
        }
        if baseURL != known.baseURL { return "setup.baseUrl is \(baseURL), the farm's is \(known.baseURL)" }
        return nil
    }
}

/// A mirror as its upstream knows it.
package struct MirrorServer: Sendable, Hashable {
    /// The number of its request.
    package let requestID: Int64
    /// What it says of itself.
    package let properties: MirrorProperties
    /// What an administrator decided.
    package let state: MirrorState
    /// Which projects it has.
    package let mode: MirrorMode
    /// When it asked first, in milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// When one of its nodes was heard of last.
    package let seenMilliseconds: Int64?

    /// What administrators compare.
    package var id: MirrorID { properties.id }

    static let columns = """
        m.id AS id, m.mirror_id AS mirror_id, m.name AS name, m.base_url AS base_url, \
        m.mirror_type AS mirror_type, m.product_version AS product_version, m.public_key AS public_key, \
        m.ssh_key AS ssh_key, m.state AS state, m.mode AS mode, m.created_at AS created_at, \
        m.seen_at AS seen_at
        """

    init(row: DatabaseRow) throws(DatabaseError) {
        requestID = try row.integer("id")
        properties = MirrorProperties(
            name: try row.text("name"), baseURL: try row.text("base_url"), type: try row.text("mirror_type"),
            version: try row.text("product_version"), publicKey: try row.blob("public_key"),
            sshKey: try row.optionalText("ssh_key"))
        let (state, mode) = (try row.text("state"), try row.text("mode"))
        guard let state = MirrorState(rawValue: state) else {
            throw .column(name: "state", problem: "is \(state), which is no state of a mirror")
        }
        guard let mode = MirrorMode(rawValue: mode) else {
            throw .column(name: "mode", problem: "is \(mode), which is no mode of a mirror")
        }
        self.state = state
        self.mode = mode
        createdMilliseconds = try row.integer("created_at")
        seenMilliseconds = try row.optionalInteger("seen_at")
    }
}
