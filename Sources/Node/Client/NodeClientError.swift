/// Why a call of a node gave no answer to use. Each description is a sentence for the operator.
package enum NodeClientError: Error, Sendable, CustomStringConvertible {
    /// No node runs on the home.
    case notRunning(home: String)
    /// The token of the home cannot be read by this user.
    case noToken(path: String)
    /// Not an address of a server.
    case badURL(String)
    /// The server cannot be reached.
    case unreachable(url: String, reason: String)
    /// What answers is not an HTTP server that this program understands.
    case notHTTP(url: String, reason: String)
    /// The server refused, with this text.
    case refused(status: Int, message: String)

    package var description: String {
        switch self {
        case .notRunning(let home):
            "no node runs on the home \(home). Start one by perigee serve --home \(home), or name "
                + "another by --server."
        case .noToken(let path): "\(path) cannot be read. Run this as the user that runs the node."
        case .badURL(let url): "\"\(url)\" is no server address. Write http://host:port or https://host:port."
        case .unreachable(let url, let reason): "\(url) cannot be reached: \(reason). Is the node running?"
        case .notHTTP(let url, let reason): "\(url) does not answer as a Perigee node does: \(reason)."
        case .refused(let status, let message): "the node answered \(status): \(message)"
        }
    }
}
