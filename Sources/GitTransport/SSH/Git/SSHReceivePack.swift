import GitStore
import Hosting
import NIOCore

/// `git-receive-pack` over SSH: the refs, then the same push as over HTTP.
struct SSHReceivePack: Sendable {
    let hosting: Hosting
    let repository: Repository
    let hookSocketPath: String
    let operation: SSHOperation

    private var path: String { hosting.layout.repository(repository.id) }

    /// Answers until the client has its report.
    /// - Returns: The exit code.
    func run(asked: String?) async throws -> Int32 {
        let version = GitProtocolVersion(asked: asked, service: .receivePack)
        let code = try await advertise(version)
        guard code == 0 else { return code }
        var packets = SSHPackets(operation.exchange)
        var first: [PktLine] = []
        while let packet = try await packets.next(bytesMax: PushCapabilities.bytesMax) {
            first.append(packet)
            if PushCapabilities.areKnown(first) { break }
        }
        // Nothing to push, or only a look at the refs.
        if first.first == .flush || packets.bytes.readableBytes == 0 { return 0 }
        let push = Push(
            hosting: hosting, repository: repository, version: version, hookSocketPath: hookSocketPath,
            client: PushCapabilities(first), context: operation)
        let client = operation.client
        do {
            try await hosting.tickets.withTicket(.hosting) {
                try await push.run(first: packets.bytes, rest: operation.rest(), to: client)
            }
        } catch let error as HostingError {
            await client.writeIfPossible(GitAnswer.pushError(error.message, for: push.client))
            return 1
        }
        return 0
    }

    /// Says what refs there are: from this process where it can, else from git's.
    private func advertise(_ version: GitProtocolVersion) async throws -> Int32 {
        let client = operation.client
        if version == .v0, let advertisement = try await hosting.git.pushAdvertisement(in: path) {
            try await client.write(advertisement)
            return 0
        }
        return try await hosting.tickets.withTicket(.hosting) {
            let process = try hosting.git.receivePack(
                in: path, protocolVersion: version.environmentValue, advertise: true)
            let bridge = ProcessBridge(process: process, presence: operation.presence, mustFinish: { false })
            let status = try await bridge.run(body: nil) { try await client.write($0) }
            return await operation.exitCode(of: process, status, repository: repository)
        }
    }
}
