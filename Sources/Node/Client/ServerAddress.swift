/// The parts of a server's address, `http[s]://host[:port][/path]`.
struct ServerAddress: Sendable, Equatable {
    let text: String
    let isTLS: Bool
    let host: String
    let port: Int
    let path: String

    /// - Throws: ``NodeClientError/badURL(_:)``.
    init(_ text: String) throws(NodeClientError) {
        guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { throw .badURL(text) }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        let path = rest.dropFirst(authority.count)
        let isTLS = scheme == "https://"
        var host = authority
        var port = isTLS ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number)
            else {
                throw .badURL(text)
            }
            port = number
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains("@") else { throw .badURL(text) }
        self.text = text
        self.isTLS = isTLS
        self.host = String(host)
        self.port = port
        self.path = path.hasSuffix("/") ? String(path.dropLast()) : String(path)
    }

    /// What the Host header says.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
