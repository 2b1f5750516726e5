import FoundationEssentials
import GitStore
import Mirroring
import NIOPosix
import Portable

/// On a mirror that fetches over SSH: logs in at the upstream as its fetches do.
struct UpstreamSSHCheck: Sendable {
    private static let check = "upstream ssh"

    let mirror: NodeConfiguration.Mirror

    func finding(_ client: PeerClient, _ identity: FarmIdentity?) async -> DoctorFinding {
        guard let identity else { return .skipped(Self.check, "This mirror has no key yet.") }
        let folder = FileManager.default.temporaryDirectory.path + "/perigee-doctor-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            let address = try await UpstreamCheck.ssh(
                of: identity, at: mirror.upstreamURL, by: client, node: NodeID(rawValue: "doctor"),
                baseURL: mirror.sshURL, folder: folder, group: MultiThreadedEventLoopGroup.singleton)
            return .ok(Self.check, "\(address) is the upstream, and takes this mirror's key.")
        } catch let error as SSHFailure {
            return .problem(Self.check, "Objects do not come: \(error).", error.advice)
        } catch {
            return .problem(
                Self.check, "The upstream does not say how it is reached over SSH: \(error).",
                "It has to be accepted, of this version, and with plugin.ssh.enabled; otherwise set "
                    + "plugin.mirroring.fetch.transport=https.")
        }
    }
}
