internal import Logging
package import Portable

/// How a mirror's node is, for load balancers.
package struct MirrorHealth: Sendable {
    /// How far it is.
    package let state: String
    /// How many nodes of the farm are in touch with the upstream, as far as this one knows.
    package let members: Int
    /// Whether it does not know yet what there is.
    package let isDiscovering: Bool
    /// While it gets what there is: how many repositories are here, of how many.
    package let synced: Int
    /// Of so many.
    package let total: Int
    /// Whether clients may be sent to it.
    package let isServing: Bool
}

extension MirrorFollower {
    /// From here on this node asks the others. A question is answered after ``MirrorLinks/waitMax`` at the
    /// latest, and the others go on without this node when its lease is over.
    private static let silenceMax = Duration.seconds(5)
    /// Who was answered so much later than this node is still in touch; two that lost the upstream at the
    /// same moment were answered at times that differ by less.
    private static let margin = MirrorLinks.waitMax + .seconds(2)

    /// How this node is, for load balancers.
    package func health() async -> MirrorHealth {
        let status = status
        let isServing = status.nodeState == .synchronized
        let progress = isServing ? nil : try? await progress()
        return MirrorHealth(
            state: status.nodeState.rawValue, members: max(1, status.nodes.count { $0.isAlive }),
            isDiscovering: status.nodeState == .bootstrapped, synced: progress?.synced ?? 0,
            total: progress?.total ?? 0, isServing: isServing)
    }

    /// Looks, while the upstream does not answer, whether it answers others of the farm: then those go on
    /// without this node, which must not serve until it has caught up. When it answers nobody, nothing
    /// changes anywhere, and all go on serving what they have.
    func watchFellows() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            let status = status
            guard status.nodeState == .synchronized, let own = sinceContact, own > Self.silenceMax
            else { continue }
            let fellows = status.nodes.filter { $0.id != node.rawValue && $0.isAlive }
            for fellow in fellows {
                guard let other = await self.silence(of: fellow),
                    other + Self.margin < (sinceContact ?? own)
                else { continue }
                logger.warning(
                    "the upstream answers others of the farm, not this node, which no longer serves",
                    metadata: ["fellow": "\(fellow.name)"])
                fallBehind()
                break
            }
        }
    }

    private func silence(of fellow: MirrorNode) async -> Duration? {
        do {
            return try await ask(fellow)["silence"]?.integerValue.map { .milliseconds($0) }
        } catch {
            // Upstream and fellow agree that this node's clock is wrong: then they understand each other.
            return error.code == "clock" && isRefusedForClock ? .zero : nil
        }
    }

    private func ask(_ fellow: MirrorNode) async throws(PeerError) -> PortableValue {
        let connection = UpstreamConnection(
            client: connection.client, baseURL: fellow.address, identity: identity, node: node)
        return try await connection.call("GET", "fellow", timeout: .seconds(2))
    }

    /// What a fellow that asks is told.
    package var fellowAnswer: PortableValue {
        [
            "silence": .optional(sinceContact.map { Int64($0 / .milliseconds(1)) }),
            "waiting": .list(
                backlog.waiting.prefix(1_000).map {
                    [.integer($0.repository.rawValue), .integer(Int64((.now - $0.since) / .seconds(1)))]
                }),
        ]
    }

    /// The repositories that this node is later with than a time.
    package func late(by time: Duration) -> [RepositoryID] {
        backlog.waiting.filter { .now - $0.since > time }.map(\.repository)
    }

    /// Those that the other nodes of the farm are; of those that answer.
    package func lateAtFellows(by time: Duration) async -> [RepositoryID] {
        var late: [RepositoryID] = []
        for fellow in status.nodes where fellow.id != node.rawValue && fellow.isAlive {
            let answer = try? await ask(fellow)
            for item in answer?["waiting"]?.listValue ?? [] {
                guard let id = item[0]?.integerValue, let seconds = item[1]?.integerValue,
                    .seconds(seconds) > time
                else { continue }
                late.append(RepositoryID(id))
            }
        }
        return late
    }
}
