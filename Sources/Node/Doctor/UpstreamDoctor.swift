import Hosting
import Mirroring
import NIOPosix
import Portable

/// The checks on a primary.
struct UpstreamDoctor: Sendable {
    let node: NodeClient?
    let layout: HomeLayout
    let authorities: String?

    private static let authorityAdvice =
        "Name the authority's PEM file with --authorities to look further. Clients of the mirror have to "
        + "trust it."

    func run() async -> [DoctorFinding] {
        var findings = [
            DoctorFinding.ok("configuration", "This is a primary."),
            MirrorDoctor.runs(node, home: layout.home),
        ]
        findings += DiskSpaceCheck.run(layout)
        guard let node else { return findings }
        findings.append(await MirrorDoctor.plugin(node))
        findings.append(await queue(node))
        let mirrors: [PortableValue]
        do {
            mirrors = try await node.mirrors()
        } catch {
            findings.append(.problem("mirrors", "The node does not list them: \(error).", "Look at its log."))
            return findings
        }
        findings.append(requests(mirrors))
        let client: PeerClient
        do {
            client = try PeerClient(
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, certificateAuthorities: authorities)
        } catch {
            findings.append(.problem("mirrors", "\(error).", "Give a PEM file of certificates."))
            return findings
        }
        for mirror in mirrors where mirror["state"]?.stringValue == "ACCEPTED" {
            findings += await look(at: mirror, client)
        }
        await client.shutdown()
        return findings
    }

    private func requests(_ mirrors: [PortableValue]) -> DoctorFinding {
        let waiting = mirrors.filter { $0["state"]?.stringValue == "PENDING" }
        let accepted = mirrors.filter { $0["state"]?.stringValue == "ACCEPTED" }.count
        guard let first = waiting.first else {
            return .ok(
                "mirrors", accepted == 0 ? "No mirror was accepted." : "\(accepted) mirrors were accepted.")
        }
        return .warning(
            "mirrors", "\(waiting.count) mirrors ask to be accepted.",
            "Compare the id with the one at the mirror's base URL, and perigee mirror accept "
                + "\(first["mirrorId"]?.stringValue ?? "ID") or decline it.")
    }

    /// What was pushed and is not brought to the mirrors yet.
    private func queue(_ node: NodeClient) async -> DoctorFinding {
        let advice =
            "perigee admin executors shows more; each mirror compares everything within minutes anyway."
        guard let executors = try? await node.executors() else {
            return .skipped("queue", "The node does not list its executors.")
        }
        let own = executors.first {
            $0["namespace"]?.stringValue == "mirroring" && $0["name"]?.stringValue == "changes"
        }
        func number(_ name: String) -> Int64 { own?[name]?.integerValue ?? 0 }
        if number("dead") > 0 {
            return .warning("queue", "\(number("dead")) changes were given up.", advice)
        }
        let waiting = number("waiting") + number("delayed")
        return waiting < 1_000
            ? .ok("queue", "\(waiting) changes wait to be brought to mirrors.")
            : .warning("queue", "\(waiting) changes wait to be brought to mirrors.", advice)
    }

    private func look(at mirror: PortableValue, _ client: PeerClient) async -> [DoctorFinding] {
        let name = mirror["mirrorName"]?.stringValue ?? "?"
        let id = mirror["mirrorId"]?.stringValue ?? "?"
        var findings: [DoctorFinding] = []
        let nodes = mirror["nodes"]?.listValue ?? []
        let alive = nodes.filter { $0["alive"]?.boolValue == true }
        let serving = alive.filter { $0["state"]?.stringValue == MirrorNodeState.synchronized.rawValue }
        if alive.isEmpty {
            findings.append(
                .problem(
                    "\(name) link", "No node of \(id) is in touch.",
                    "Run perigee mirror doctor there: the mirror calls, and says why it cannot."))
        } else if serving.count < nodes.count {
            findings.append(
                .warning(
                    "\(name) link", "\(serving.count) of \(nodes.count) nodes of \(id) have everything.",
                    "Watch perigee mirror list; run perigee mirror doctor on those that are late."))
        } else {
            findings.append(.ok("\(name) link", "All \(nodes.count) nodes of \(id) have everything."))
        }
        for node in alive {
            let whose = "The clock of \(node["name"]?.stringValue ?? "?")"
            findings.append(
                MirrorDoctor.clock("\(name) clock", node["clockOffset"]?.integerValue ?? 0, whose: whose))
        }
        guard let url = mirror["mirrorBaseUrl"]?.stringValue else { return findings }
        var outcome = await ServerProbe(
            name: name, url: url, client: client, authorities: authorities,
            authorityAdvice: Self.authorityAdvice
        ).run()
        if outcome.isReached {
            let answer = try? await client.send(
                "GET", url + "/", authorization: nil, timeout: .seconds(10), acceptsErrors: true)
            let text = (try? await answer?.collect(upTo: 64 * 1024)).flatMap { $0 } ?? []
            let isSame = String(decoding: text, as: UTF8.self).contains("id: \(id)")
            outcome.findings.append(
                isSame
                    ? .ok("\(name) id", "\(url) is \(id).")
                    : .problem(
                        "\(name) id", "\(url) answers, and is not \(id).",
                        "The mirror's setup.baseUrl has to lead to it, or to its farm's balancer."))
        }
        return findings + outcome.findings
    }
}
