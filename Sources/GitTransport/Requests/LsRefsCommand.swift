import GitStore

/// Protocol v2's `ls-refs`.
/// - Source: gitprotocol-v2(5), "ls-refs".
enum LsRefsCommand {
    static let name = "ls-refs"

    /// The request that the packets make up.
    /// - Returns: nil for anything that git should answer, or refuse, itself.
    static func parse(_ packets: [PktLine]) -> LsRefsRequest? {
        guard let arguments = V2Request.arguments(of: packets, command: name) else { return nil }
        var request = LsRefsRequest()
        for argument in arguments {
            switch argument {
            case "peel": request.peel = true
            case "symrefs": request.symrefs = true
            case "unborn": request.unborn = true
            default:
                guard argument.hasPrefix("ref-prefix ") else { return nil }
                request.prefixes.append(String(argument.dropFirst("ref-prefix ".count)))
            }
        }
        return request
    }
}
