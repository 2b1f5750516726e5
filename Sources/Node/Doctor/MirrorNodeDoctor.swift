import FoundationEssentials
import GitTransport
import Hosting
import Mirroring
import NIOPosix
import Portable

/// The checks on a mirror's node.
struct MirrorNodeDoctor: Sendable {
    let configuration: NodeConfiguration
    let mirror: NodeConfiguration.Mirror
    let layout: HomeLayout
    let node: NodeClient?

    private static let authorityAdvice =
        "Name the authority's PEM file in plugin.mirroring.upstream.certificate-authorities, and let the "
        + "upstream send all that leads to it."

    func run() async -> [DoctorFinding] {
        var findings = [
            DoctorFinding.ok("configuration", "This is a mirror of \(mirror.upstreamURL)."),
            MirrorDoctor.runs(node, home: layout.home),
        ]
        findings += DiskSpaceCheck.run(layout)
        let client: PeerClient
        do {
            client = try PeerClient(
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                certificateAuthorities: mirror.certificateAuthorities)
        } catch {
            findings.append(.problem("upstream tls", "\(error).", Self.authorityAdvice))
            return findings
        }
        let upstream = await ServerProbe(
            name: "upstream", url: mirror.upstreamURL, client: client,
            authorities: mirror.certificateAuthorities, authorityAdvice: Self.authorityAdvice
        ).run()
        findings += upstream.findings
        if let difference = upstream.clockDifference {
            findings.append(MirrorDoctor.clock("clock", -difference, whose: "This machine's clock"))
        } else {
            findings.append(.skipped("clock", "The upstream did not say what time it is."))
        }
        let identity = identity()
        if upstream.isReached {
            findings.append(await version(client))
            findings.append(await registration(client, identity))
            if mirror.fetchesBySSH {
                findings.append(await UpstreamSSHCheck(mirror: mirror).finding(client, identity))
            }
        } else {
            findings.append(.skipped("version", "The upstream is not reached."))
            findings.append(.skipped("registration", "The upstream is not reached."))
        }
        findings += await ownAddress(client, identity)
        findings += await ssh()
        await client.shutdown()
        if let node { findings += await NodeStateDoctor(node: node, version: Release.version).run() }
        return findings
    }

    private func identity() -> FarmIdentity? {
        let file = "\(layout.config)/mirror-farm.secret"
        // Looking must not make one.
        guard mirror.farmSecret != nil || FileManager.default.fileExists(atPath: file) else { return nil }
        return try? FarmIdentity.load(given: mirror.farmSecret, file: file)
    }

    private func version(_ client: PeerClient) async -> DoctorFinding {
        let target = mirror.upstreamURL + "/rest/api/1.0/application-properties"
        let answer = try? await client.call("GET", target, authorization: nil, timeout: .seconds(10))
        guard let theirs = answer?["version"]?.stringValue else {
            return .problem(
                "version", "The upstream does not say its version.",
                "Check that plugin.mirroring.upstream.url is the base URL of a Perigee.")
        }
        let isSame = theirs == Release.version
        return .ok(
            "version",
            isSame ? "Both run \(theirs)." : "The upstream runs \(theirs), this mirror \(Release.version).")
    }

    private func registration(_ client: PeerClient, _ identity: FarmIdentity?) async -> DoctorFinding {
        guard let identity else {
            return .problem(
                "registration", "This mirror has no usable secret of a farm yet.",
                "It is made at the first start, or copied from another node of the farm to "
                    + "\(layout.config)/mirror-farm.secret.")
        }
        do throws(PeerError) {
            let settings = try await UpstreamCheck.settings(
                of: identity, at: mirror.upstreamURL, by: client, node: NodeID(rawValue: "doctor"))
            let mode = settings["mode"]?.stringValue ?? ""
            let count = settings["projectIds"]?.listValue?.count ?? 0
            guard mode == MirrorMode.allProjects.rawValue || count > 0 else {
                return .warning(
                    "registration", "The upstream has accepted \(identity.id), and gives it no project.",
                    "On the upstream: perigee mirror projects \(identity.id) --all, or --add KEY.")
            }
            return .ok(
                "registration",
                mode == MirrorMode.allProjects.rawValue
                    ? "The upstream has accepted \(identity.id), with all projects."
                    : "The upstream has accepted \(identity.id), with \(count) projects.")
        } catch {
            switch error.code {
            case "clock":
                return .problem(
                    "registration", "The upstream refuses this mirror's time: \(error).",
                    "Let both machines keep time (chrony or ntpd).")
            case "unauthorized":
                return .problem(
                    "registration", "The upstream has not accepted \(identity.id), or no longer does.",
                    "On the upstream: perigee mirror list, compare the id, perigee mirror accept "
                        + "\(identity.id).")
            default:
                return .problem(
                    "registration", "The upstream's answer is none: \(error).",
                    "Check that plugin.mirroring.upstream.url is the base URL of a primary.")
            }
        }
    }

    /// The way back: where clients, and the upstream's links, find this mirror.
    private func ownAddress(_ client: PeerClient, _ identity: FarmIdentity?) async -> [DoctorFinding] {
        guard node != nil, let url = configuration.baseURL else {
            return [.skipped("mirror address", "No node runs that could answer at setup.baseUrl.")]
        }
        let advice = "Its clients need what leads to this certificate, too."
        var outcome = await ServerProbe(
            name: "mirror", url: url, client: client, authorities: mirror.certificateAuthorities,
            authorityAdvice: advice
        ).run()
        guard outcome.isReached, let identity else { return outcome.findings }
        let answer = try? await client.send(
            "GET", url + "/", authorization: nil, timeout: .seconds(10), acceptsErrors: true)
        let text = (try? await answer?.collect(upTo: 64 * 1024)).flatMap { $0 } ?? []
        if String(decoding: text, as: UTF8.self).contains("id: \(identity.id)") {
            outcome.findings.append(.ok("mirror id", "\(url) is \(identity.id)."))
        } else {
            outcome.findings.append(
                .problem(
                    "mirror id", "\(url) answers, and is not \(identity.id).",
                    "setup.baseUrl has to lead to this mirror, or to the balancer of its farm."))
        }
        return outcome.findings
    }

    private func ssh() async -> [DoctorFinding] {
        guard let settings = configuration.ssh.settings else {
            return [.skipped("ssh", "This mirror does not serve SSH (plugin.ssh.enabled).")]
        }
        guard node != nil, let file = NodeFile.read(run: layout.run) else {
            return [.skipped("ssh", "No node runs that could answer.")]
        }
        let isAny = ["0.0.0.0", "::", "[::]", ""].contains(settings.address)
        let host = isAny ? "127.0.0.1" : settings.address
        var findings = [await SSHProbe.finding("ssh", host: host, port: file.sshPort ?? settings.port)]
        if let base = configuration.ssh.baseURL,
            let address = try? ServerAddress(
                "http://" + base.dropFirst("ssh://".count).drop { $0 != "@" }.dropFirst())
        {
            let port = address.authority.hasSuffix(":80") ? 22 : address.port
            findings.append(await SSHProbe.finding("ssh address", host: address.host, port: port))
        }
        return findings
    }
}
