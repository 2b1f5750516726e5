import FoundationEssentials
import Mirroring
import NIOCore
import NIOPosix
import NIOSSL
import Portable

/// Looks at a server from outside: the connection, TLS, `/status`, the clock.
struct ServerProbe: Sendable {
    /// What the findings are named by, such as `upstream`.
    let name: String
    let url: String
    let client: PeerClient
    /// A PEM file of the authorities that are trusted; nil trusts the system's.
    let authorities: String?
    /// What to do when its certificate comes from an authority that is not known.
    let authorityAdvice: String

    /// What was found, and the server's clock minus this one's, in milliseconds, when it answered.
    struct Outcome: Sendable {
        var findings: [DoctorFinding] = []
        var clockDifference: Int64?
        var isReached = false
    }

    func run() async -> Outcome {
        var outcome = Outcome()
        guard let address = try? ServerAddress(url) else {
            outcome.findings = [
                .problem(
                    "\(name) address", "\(url) is no address.", "Write https://host or https://host:port.")
            ]
            return outcome
        }
        let connected = await connect(address)
        outcome.findings.append(connected)
        guard connected.result == .ok else { return outcome }
        await ask(address, &outcome)
        return outcome
    }

    private func connect(_ address: ServerAddress) async -> DoctorFinding {
        let begun = ContinuousClock.now
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5)).connect(host: address.host, port: address.port).get()
            try? await channel.close().get()
            let milliseconds = (.now - begun) / .milliseconds(1)
            return .ok("\(name) address", "\(address.authority) is reached in \(Int(milliseconds)) ms.")
        } catch {
            return .problem(
                "\(name) address",
                "\(address.authority) cannot be reached: \(NodeClient.reason(error)).",
                "Check the name, the route and the firewall between this machine and that one; "
                    + "curl -v \(url)/status has to work from here.")
        }
    }

    private func ask(_ address: ServerAddress, _ outcome: inout Outcome) async {
        if address.isTLS {
            let check = CertificateCheck(
                check: "\(name) tls", address: address, authorityAdvice: authorityAdvice)
            let finding = await check.run(authorities: authorities)
            outcome.findings.append(finding)
            guard finding.result == .ok else { return }
        } else {
            outcome.findings.append(
                .warning(
                    "\(name) tls", "The connection is not encrypted.",
                    "Anybody on the way reads code and passwords. Use https unless the line is your own."))
        }
        let before = Date()
        do throws(PeerError) {
            let answer = try await client.send(
                "GET", url + "/status", authorization: nil, timeout: .seconds(10), acceptsErrors: true)
            let middle = before.addingTimeInterval(Date().timeIntervalSince(before) / 2)
            let body = try await answer.collect(upTo: 64 * 1024)
            outcome.isReached = true
            outcome.clockDifference = Self.date(answer.headers).map {
                Int64(($0.timeIntervalSince(middle) * 1000).rounded())
            }
            outcome.findings.append(status(answer.status, body))
        } catch {
            outcome.findings.append(
                .problem(
                    "\(name) status", "\(error).",
                    "Something answers at \(address.authority) that is no Perigee, or a proxy before it "
                        + "is wrong: curl -v \(url)/status."))
        }
    }

    private func status(_ status: Int, _ body: [UInt8]) -> DoctorFinding {
        guard let state = (try? JSON.decode(body))?["state"]?.stringValue else {
            return .problem(
                "\(name) status", "\(url)/status answers \(status) and is not a Perigee's.",
                "Check the address, also its path behind a proxy.")
        }
        if status == 200 { return .ok("\(name) status", "It says \(state).") }
        return .problem(
            "\(name) status", "It answers \(status) and says \(state).",
            "Wait until it is up, and look at its log and at its own doctor.")
    }

    /// The time that the server wrote down, in whole seconds: half of one is added.
    private static func date(_ headers: [(name: String, value: String)]) -> Date? {
        guard let text = headers.first(where: { $0.name.lowercased() == "date" })?.value else { return nil }
        let words = text.split { $0 == " " || $0 == ":" || $0 == "," }
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        guard words.count >= 7, let month = months.firstIndex(of: String(words[2])) else { return nil }
        var parts = DateComponents()
        (parts.day, parts.month, parts.year) = (Int(words[1]), month + 1, Int(words[3]))
        (parts.hour, parts.minute, parts.second) = (Int(words[4]), Int(words[5]), Int(words[6]))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(from: parts)?.addingTimeInterval(0.5)
    }
}
