import GitStore
import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Logging
import NIOCore

/// `GET info/refs`: the first request of every git client.
struct InfoRefs: Sendable {
    let hosting: Hosting
    let gate: GitGate

    /// The sentence for clients that look for files.
    static let smartOnly = RequestError(
        .forbidden,
        "Perigee speaks only the smart HTTP protocol. Use git 1.6.6 or newer, without GIT_SMART_HTTP=0.")

    func answer(_ request: Request, _ context: ServingContext) async throws -> Response {
        // The two values exactly as git writes them, not percent-encoded, not twice.
        let services = (request.uri.query ?? "").split(separator: "&").filter { $0.hasPrefix("service=") }
        guard services.count == 1, let service = GitService(rawValue: String(services[0].dropFirst(8))) else {
            throw Self.smartOnly
        }
        guard let repository = try await gate.servedRepository(for: service, context: context) else {
            return try await passOn(request, context, service)
        }
        let version = GitProtocolVersion(headers: request.headers, service: service)
        if version == .v2 {
            return GitAnswer.complete(
                service.advertisementType, try await hosting.git.capabilityAdvertisementV2())
        }
        let path = hosting.layout.repository(repository.id)
        if service == .receivePack, version == .v0,
            let advertisement = try await hosting.git.pushAdvertisement(in: path)
        {
            var body = GitAnswer.serviceLine(service)
            body.writeImmutableBuffer(advertisement)
            return GitAnswer.complete(service.advertisementType, body)
        }
        try refuseWhenFull()
        let environment = version.environmentValue
        return GitConversation.answer(
            service.advertisementType, hosting: hosting, context: context,
            begin: GitAnswer.serviceLine(service)
        ) { client in
            let process =
                switch service {
                case .uploadPack:
                    try hosting.git.uploadPack(in: path, protocolVersion: environment, advertise: true)
                case .receivePack:
                    try hosting.git.receivePack(in: path, protocolVersion: environment, advertise: true)
                }
            let before = client.bytesWritten
            let bridge = ProcessBridge(process: process, presence: context.presence, mustFinish: { false })
            let status = try await bridge.run(body: nil) { try await client.write($0) }
            guard !status.isSuccess, client.bytesWritten == before else { return }
            await client.writeIfPossible(
                GitFailure.answer(process, status, context: context, repository: repository))
        }
    }

    private func passOn(
        _ request: Request, _ context: ServingContext, _ service: GitService
    ) async throws -> Response {
        guard let door = UpstreamDoor(hosting) else { throw Self.smartOnly }
        return try await door.answer(request, context, "info/refs?service=\(service.rawValue)")
    }

    /// Answers 503 while more operations wait than may; a turn that does not come later ends with a packet.
    private func refuseWhenFull() throws {
        let usage = hosting.tickets.usage
        let isFull =
            usage.running >= hosting.settings.hostingTicketsMax
            && usage.waiting >= hosting.settings.hostingQueueMax
        if isFull { throw HostingError.busy(retryAfter: .seconds(10)) }
    }
}
