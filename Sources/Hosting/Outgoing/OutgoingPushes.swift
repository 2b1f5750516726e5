package import GitStore
internal import Portable

/// Pushes of this server's repositories to foreign ones.
package struct OutgoingPushes: Sendable {
    /// What is to be pushed, and how; where to is checked here.
    package struct Request: Sendable {
        /// Where to.
        package var address: RemoteAddress
        /// The rest.
        package var change: @Sendable (inout RemotePush) throws -> Void

        /// - Parameter change: Says which refs, and how.
        package init(
            to address: RemoteAddress, _ change: @escaping @Sendable (inout RemotePush) throws -> Void
        ) {
            self.address = address
            self.change = change
        }
    }

    let services: Services
    let rules: OutgoingRules
    let tickets: HostingTickets

    init(services: Services) {
        self.services = services
        rules = services.settings.outgoing
        tickets = HostingTickets(
            limit: rules.pushesMax, queueMax: 10_000, timeout: .seconds(3_600), metric: "perigee.outgoing")
    }

    /// Removes what a killed node left.
    func start() { GitStore.removePushLeftovers(in: services.layout.tmp) }

    /// Pushes when it is its turn.
    /// - Throws: ``HostingError/refused(text:)`` for what may not be, ``HostingError/busy(retryAfter:)``,
    ///   ``HostingError/notReady(project:slug:)``; `CancellationError`.
    package func push(_ request: Request, of repository: Repository) async throws -> RemotePushReport {
        let remote = request.address
        guard rules.hosts.contains(where: { $0.matches(remote.host) }) else {
            throw HostingError.refused(
                text: "The host \(remote.host) is none of those that plugin.remotes.hosts allows.")
        }
        return try await tickets.withTicket(.hosting) {
            let found = try await NetworkAddress.addresses(of: remote.host)
            guard !found.isEmpty else {
                return RemotePushReport(
                    outcome: .unreachable, message: "\(remote.host): the name is not known")
            }
            var push = RemotePush(to: remote, resolved: try rules.allowed(found, for: remote))
            let tmp = services.layout.tmp
            do {
                try request.change(&push)
                let push = push
                return try await services.onDisk(repository) {
                    do {
                        return try await $0.push(push, from: $1, folder: tmp)
                    } catch GitStoreError.remoteRefused(let reason) {
                        throw HostingError.refused(text: reason)
                    }
                }
            } catch GitStoreError.invalidName(let name) {
                throw HostingError.invalid(
                    field: "refs", message: "\"\(name)\" is no ref, and no pattern of refs.")
            }
        }
    }
}
