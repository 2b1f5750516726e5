import Glibc
package import Portable

/// `run/node.json`: where a running node is, for scripts and for the command line on the same machine.
///
/// `{"pid", "nodeId", "url", "httpPort", "sshPort"}`; there while the node serves, removed at a clean stop.
package struct NodeFile: Sendable {
    /// The node's process.
    package var processID: Int
    /// The node's id.
    package var nodeID: NodeID
    /// The base URL that it serves at.
    package var url: String
    /// The port of HTTP or HTTPS.
    package var httpPort: Int
    /// The port of SSH; nil where it is not served.
    package var sshPort: Int?

    /// Names the facts.
    package init(processID: Int, nodeID: NodeID, url: String, httpPort: Int, sshPort: Int? = nil) {
        self.processID = processID
        self.nodeID = nodeID
        self.url = url
        self.httpPort = httpPort
        self.sshPort = sshPort
    }

    /// Reads the file of a home's `run` folder; `nil` when it is missing or is not such a file.
    package static func read(run: String) -> NodeFile? {
        guard let text = SystemFile.text(of: path(run)), let facts = try? JSON.decode(Array(text.utf8)),
            let processID = facts["pid"]?.integerValue.flatMap({ Int(exactly: $0) }),
            let nodeID = facts["nodeId"]?.stringValue, let url = facts["url"]?.stringValue,
            let port = facts["httpPort"]?.integerValue.flatMap({ Int(exactly: $0) })
        else { return nil }
        return NodeFile(
            processID: processID, nodeID: NodeID(rawValue: nodeID), url: url, httpPort: port,
            sshPort: facts["sshPort"]?.integerValue.flatMap { Int(exactly: $0) })
    }

    /// Whether the process still runs: a killed node leaves its file behind.
    package var isAlive: Bool {
        guard let id = pid_t(exactly: processID), id > 0 else { return false }
        return kill(id, 0) == 0 || errno == EPERM
    }

    /// Writes the file.
    func write(run: String) throws {
        let facts: PortableValue = [
            "pid": .integer(Int64(processID)), "nodeId": .string(nodeID.rawValue), "url": .string(url),
            "httpPort": .integer(Int64(httpPort)), "sshPort": sshPort.map { .integer(Int64($0)) } ?? .null,
        ]
        try SystemFile.replace(Self.path(run), with: try JSON.encode(facts), mode: 0o644)
    }

    /// Removes the file; nothing happens when it is not there.
    static func remove(run: String) {
        unlink(path(run))
    }

    static func path(_ run: String) -> String { "\(run)/node.json" }
}
