import FoundationEssentials
import Hosting
import Mirroring
import NIOPosix
import Portable

/// `perigee mirror doctor`: looks at everything by which mirroring may fail, on a mirror or on its upstream,
/// whether the node runs or not.
/// - Source: "Troubleshooting Smart Mirroring".
package struct MirrorDoctor: Sendable {
    let request: ServeRequest
    /// A PEM file of authorities by which mirrors' certificates are judged from an upstream.
    let authorities: String?

    /// - Parameter request: What the node is, or would be, started with.
    package init(_ request: ServeRequest, authorities: String?) {
        self.request = request
        self.authorities = authorities
    }

    /// Looks at everything, in the order in which it should be put right.
    package func run() async -> [DoctorFinding] {
        let configuration: NodeConfiguration
        do {
            configuration = try NodeConfiguration.load(
                home: request.home, propertiesFile: request.layout.propertiesFile,
                environment: request.environment, overrides: request.overrides,
                processors: ProcessInfo.processInfo.activeProcessorCount)
        } catch {
            return [
                .problem("configuration", "\(error)", "Put the key right in shared/perigee.properties.")
            ]
        }
        let running = try? NodeClient(home: request.home)
        guard let mirror = configuration.mirror else {
            return await UpstreamDoctor(
                node: running, layout: request.layout, authorities: authorities
            ).run()
        }
        return await MirrorNodeDoctor(
            configuration: configuration, mirror: mirror, layout: request.layout, node: running
        ).run()
    }

    static func runs(_ node: NodeClient?, home: String) -> DoctorFinding {
        guard let node else {
            return .problem(
                "node", "No node runs on this home.",
                "Start it: perigee serve --home \(home). Its log is in \(home)/log.")
        }
        return .ok("node", "It runs at \(node.url).")
    }

    /// Whether the plugin that does the work is running.
    static func plugin(_ node: NodeClient) async -> DoctorFinding {
        let advice = "Look at perigee plugin show mirroring, and at perigee plugin enable or release."
        guard let plugin = try? await node.plugin("mirroring") else {
            return .problem("plugin", "The plugin mirroring is not there.", advice)
        }
        let state = plugin["state"]?.stringValue ?? "unknown"
        guard ["running", "enabled", "active"].contains(state.lowercased()) else {
            return .problem("plugin", "The plugin mirroring is \(state).", advice)
        }
        return .ok("plugin", "The plugin mirroring is \(state).")
    }

    /// Two clocks, the difference in milliseconds.
    static func clock(_ check: String, _ difference: Int64, whose: String) -> DoctorFinding {
        let seconds = Double(abs(difference)) / 1000
        let text = "\(whose) is \(String(format(seconds))) s \(difference < 0 ? "behind" : "ahead")."
        if abs(difference) > RequestToken.clockTolerance {
            return .problem(
                check, text, "Requests are refused beyond 30 s. Let all machines keep time (chrony or ntpd).")
        }
        if abs(difference) > 5_000 {
            return .warning(check, text, "Let all machines keep time (chrony or ntpd): the limit is 30 s.")
        }
        return .ok(check, abs(difference) < 1_000 ? "\(whose) differs by less than a second." : text)
    }

    private static func format(_ seconds: Double) -> String { "\((seconds * 10).rounded() / 10)" }
}
