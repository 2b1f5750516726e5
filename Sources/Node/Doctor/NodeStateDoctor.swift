import Mirroring
import Portable

/// The checks of what a mirror's running node says of itself.
struct NodeStateDoctor: Sendable {
    let node: NodeClient
    let version: String

    private static let root = "/rest/mirroring/latest"
    private static let logAdvice =
        "PUT /rest/api/1.0/logs/logger/perigee.mirroring/DEBUG makes the log say more, without a restart."

    func run() async -> [DoctorFinding] {
        let status: PortableValue
        do {
            status = try await node.mirrorStatus()
        } catch {
            return [.problem("link", "The node does not answer: \(error).", "Look at its log.")]
        }
        var findings = [await MirrorDoctor.plugin(node), link(status)]
        if let why = status["fetch"]?["lastError"]?.stringValue {
            findings.append(
                .problem(
                    "fetch", "The node's last fetch over SSH failed: \(why)",
                    "It is tried again by itself. \(Self.logAdvice)"))
        }
        findings += farm(status)
        findings += await repositories()
        return findings
    }

    private func link(_ status: PortableValue) -> DoctorFinding {
        let state = status["state"]?.stringValue ?? ""
        guard status["connected"]?.boolValue == true else {
            let why = status["lastError"]?.stringValue ?? "nothing was heard of it yet"
            return .problem(
                "link", "The node has no link with the upstream: \(why).",
                "See the findings above. \(Self.logAdvice)")
        }
        guard state == MirrorNodeState.synchronized.rawValue else {
            let (here, all) = (
                status["syncedRepos"]?.integerValue ?? 0, status["totalRepos"]?.integerValue ?? 0
            )
            return .warning(
                "link", "The node is \(state), with \(here) of \(all) repositories.",
                "It answers 503 to /status until it has everything. Watch perigee mirror status.")
        }
        return .ok("link", "The node is \(state).")
    }

    /// The nodes of one farm have the same properties, and versions that get along; all are there.
    private func farm(_ status: PortableValue) -> [DoctorFinding] {
        let nodes = status["nodes"]?.listValue ?? []
        guard nodes.count > 1 else { return [.ok("farm", "The mirror has one node.")] }
        var findings: [DoctorFinding] = []
        for node in nodes {
            let name = node["name"]?.stringValue ?? "?"
            if node["alive"]?.boolValue != true {
                findings.append(
                    .warning(
                        "farm", "The node \(name) is away.",
                        "Start it, or forget it: it is no longer waited for. A node with other properties "
                            + "than the farm's is refused; its log says which."))
            }
            let offset = node["clockOffset"]?.integerValue ?? 0
            if abs(offset) > 5_000 {
                findings.append(MirrorDoctor.clock("farm", offset, whose: "The clock of \(name)"))
            }
        }
        let versions = Set(nodes.compactMap { $0["version"]?.stringValue })
        if versions.count > 1 {
            findings.append(
                .warning(
                    "farm", "The nodes run \(versions.sorted().joined(separator: " and ")).",
                    "Bring all to the same version once the upgrade is done."))
        }
        let names = nodes.compactMap { $0["name"]?.stringValue }
        if Set(names).count < names.count {
            findings.append(
                .warning(
                    "farm", "Several nodes have the same name.", "Give each its own cluster.node.name."))
        }
        return findings.isEmpty ? [.ok("farm", "All \(nodes.count) nodes are in touch.")] : findings
    }

    private func repositories() async -> [DoctorFinding] {
        let support = Self.root + "/supportInfo"
        var findings: [DoctorFinding] = []
        if let late = try? await node.get(support + "/out-of-sync-repos/content").listValue {
            if late.isEmpty {
                findings.append(.ok("repositories", "No repository is out of sync."))
            } else {
                let ids = late.prefix(10).compactMap { $0.integerValue.map { "\($0)" } }
                findings.append(
                    .problem(
                        "repositories",
                        "\(late.count) repositories are out of sync: \(ids.joined(separator: ", "))"
                            + "\(late.count > 10 ? " and more" : "").\(await lastError(of: late))",
                        "supportInfo/repoSyncStatus has the last error of each. \(Self.logAdvice)"))
            }
        }
        if let queue = try? await node.get(support + "/refChangesQueue/count").integerValue {
            findings.append(
                queue < 100
                    ? .ok("queue", "\(queue) repositories wait to be fetched.")
                    : .warning(
                        "queue", "\(queue) repositories wait to be fetched.",
                        "If it does not go down, raise plugin.mirroring.fetches.max, or look at the line."))
        }
        return findings
    }

    private func lastError(of late: [PortableValue]) async -> String {
        let page = try? await node.get("\(Self.root)/supportInfo/repoSyncStatus?limit=1000")
        let ids = Set(late.compactMap { $0.integerValue })
        let first = page?["values"]?.listValue?.first {
            ids.contains($0["localRepoId"]?.integerValue ?? 0) && $0["lastError"]?.stringValue != nil
        }
        return first?["lastError"]?.stringValue.map { " Last error: \($0.prefix(300))" } ?? ""
    }
}
