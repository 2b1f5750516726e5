import GitStore
import Portable

/// Protocol v2's `fetch` as a mirror sends it, who knows what it has and what it lacks: there is nothing to
/// negotiate.
/// - Source: gitprotocol-v2(5), "fetch".
enum ExactFetch {
    private static let needed: Set<String> = ["done", "no-progress", "thin-pack", "ofs-delta"]

    /// The request that the packets make up.
    /// - Returns: nil for anything that git should answer, or refuse, itself.
    static func parse(_ packets: [PktLine]) -> PackRequest? {
        guard let arguments = V2Request.arguments(of: packets, command: CloneCommand.name) else { return nil }
        var request = PackRequest(wants: [], haves: [])
        var flags: Set<String> = []
        for argument in arguments {
            if needed.contains(argument) {
                flags.insert(argument)
            } else if argument.hasPrefix("want "), let id = ObjectID(argument.dropFirst(5)) {
                request.wants.append(id)
            } else if argument.hasPrefix("have "), let id = ObjectID(argument.dropFirst(5)) {
                request.haves.append(id)
            } else {
                return nil
            }
        }
        return flags == needed && !request.wants.isEmpty ? request : nil
    }
}
