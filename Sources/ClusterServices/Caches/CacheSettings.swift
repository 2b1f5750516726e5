/// How a cache behaves. Whatever it says, an entry may be gone at any time.
package struct CacheSettings: Sendable, Hashable {
    /// Who else sees what one node stores.
    package enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Nobody: each node has a cache of its own.
        case local
        /// Nobody, but a change on one node makes the others forget their values.
        case invalidate
        /// Every node: values travel through the database.
        case copy
    }

    /// Who else sees what one node stores.
    package var mode: Mode
    /// How long an entry lasts after it was stored; `nil` for no limit.
    package var timeToLive: Duration?
    /// How long an entry lasts on a node that does not read it; `nil` for no limit.
    package var timeToIdle: Duration?
    /// Entries on a node; beyond that the one read longest ago goes.
    package var entriesMax: Int
    /// Bytes of keys and encoded values on a node; likewise.
    package var bytesMax: Int

    /// The most entries that a cache may be set to hold.
    package static let entriesCeiling = 1_000_000

    /// - Parameters:
    ///   - entriesMax: 1 to ``entriesCeiling``.
    ///   - bytesMax: At least 1 KiB is taken.
    package init(
        mode: Mode = .invalidate, timeToLive: Duration? = nil, timeToIdle: Duration? = nil,
        entriesMax: Int = 10_000, bytesMax: Int = 16 << 20
    ) {
        self.mode = mode
        self.timeToLive = timeToLive
        self.timeToIdle = timeToIdle
        self.entriesMax = min(max(1, entriesMax), Self.entriesCeiling)
        self.bytesMax = max(1024, bytesMax)
    }
}
