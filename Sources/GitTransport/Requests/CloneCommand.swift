import GitStore
import Portable

/// Protocol v2's `fetch` as a client sends it that has nothing yet, wants everything behind some objects, and
/// shows no progress.
///
/// Everything else is left to `git upload-pack`: negotiation, shallow and partial clones, progress.
/// - Source: gitprotocol-v2(5), "fetch".
enum CloneCommand {
    static let name = "fetch"

    /// The request that the packets make up.
    /// - Returns: nil for anything that git should answer, or refuse, itself.
    static func parse(_ packets: [PktLine]) -> WholePackRequest? {
        guard let arguments = V2Request.arguments(of: packets, command: name) else { return nil }
        var request = WholePackRequest()
        var flags: Set<String> = []
        for argument in arguments {
            switch argument {
            case "done", "no-progress", "thin-pack": flags.insert(argument)
            case "ofs-delta": request.offsetDeltas = true
            case "include-tag": request.includesTags = true
            default:
                guard argument.hasPrefix("want "), let id = ObjectID(argument.dropFirst("want ".count))
                else { return nil }
                request.wants.append(id)
            }
        }
        guard flags.isSuperset(of: ["done", "no-progress"]), !request.wants.isEmpty else { return nil }
        return request
    }
}
