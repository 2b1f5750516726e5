/// A node as a load balancer sees it.
package struct BalancedNode: Sendable, Hashable {
    /// A name of letters, digits, `-`, `_` and `.`.
    package var name: String
    /// A host name or address.
    package var host: String
    /// The port of HTTP or HTTPS.
    package var httpPort: Int
    /// The port of SSH; `nil` when the node does not serve it.
    package var sshPort: Int?

    /// Names a node.
    package init(name: String, host: String, httpPort: Int, sshPort: Int?) {
        self.name = name
        self.host = host
        self.httpPort = httpPort
        self.sshPort = sshPort
    }

    /// Reads `NAME=HOST:HTTPPORT[:SSHPORT]`, as the command line takes it; an IPv6 address stands in
    /// brackets.
    /// - Returns: `nil` when the text is something else.
    package init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, Self.isName(parts[0]) else { return nil }
        var place = parts[1]
        let host: Substring
        if place.hasPrefix("[") {
            guard let end = place.firstIndex(of: "]") else { return nil }
            host = place[...end]
            place = place[place.index(after: end)...]
            guard place.hasPrefix(":") else { return nil }
            place = place.dropFirst()
        } else {
            guard let colon = place.firstIndex(of: ":") else { return nil }
            host = place[..<colon]
            place = place[place.index(after: colon)...]
        }
        let ports = place.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard (1...2).contains(ports.count), ports.allSatisfy({ (1...65_535).contains($0) }),
            !host.isEmpty, host.allSatisfy({ Self.isNameCharacter($0) || "[:]".contains($0) })
        else { return nil }
        self.init(
            name: String(parts[0]), host: String(host), httpPort: ports[0],
            sshPort: ports.count > 1 ? ports[1] : nil)
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text.allSatisfy(isNameCharacter)
    }

    private static func isNameCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
    }
}
