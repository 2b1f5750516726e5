import GitStore
import NIOCore
import Portable

/// What a fetch asks for, as far as it tells whether a mirror has it.
/// - Source: gitprotocol-v2(5), "fetch"; gitprotocol-pack(5), "Packfile Negotiation".
struct WantedObjects: Sendable, Equatable {
    /// By their hashes.
    private(set) var ids: [ObjectID] = []
    /// By the names of refs.
    private(set) var refs: [String] = []

    /// Whether enough has been read: all that is wanted comes before the first flush.
    static func areComplete(_ packets: [PktLine]) -> Bool { packets.last == .flush }

    /// Reads the beginning of a request.
    /// - Returns: nil for a request that asks for no objects, and for what is none.
    init?(_ packets: [PktLine], version: GitProtocolVersion) {
        var lines = packets.prefix { $0 != .flush }
        if version == .v2 {
            guard lines.first.flatMap(Self.line) == "command=fetch" else { return nil }
            lines = lines.drop { $0 != .delimiter }.dropFirst()
        }
        for packet in lines {
            guard let text = Self.line(packet) else { return nil }
            if text.hasPrefix("want-ref ") {
                refs.append(String(text.dropFirst("want-ref ".count)))
            } else if text.hasPrefix("want ") {
                // Of versions 0 and 1, the first line has the client's capabilities after the hash.
                let hash = text.dropFirst("want ".count).prefix { $0 != " " }
                guard let id = ObjectID(String(hash)) else { return nil }
                ids.append(id)
            }
        }
        guard !ids.isEmpty || !refs.isEmpty else { return nil }
    }

    /// Whether all of it is in a repository.
    func areHere(_ git: GitStore, in path: String) async throws -> Bool {
        let unique = Set(ids)
        guard try await git.present(Array(unique), in: path).count == unique.count else { return false }
        guard !refs.isEmpty else { return true }
        let known = try await git.mirroredRefs(in: path, pullRequests: true).refs
        let names = Set(known.keys.map(\.full))
        return refs.allSatisfy(names.contains)
    }

    private static func line(_ packet: PktLine) -> String? {
        guard case .data(let payload) = packet else { return nil }
        var bytes = payload.readableBytesView
        if bytes.last == UInt8(ascii: "\n") { bytes = bytes.dropLast() }
        return String(validating: bytes, as: UTF8.self).flatMap { $0.isStreamSafe ? $0 : nil }
    }
}
