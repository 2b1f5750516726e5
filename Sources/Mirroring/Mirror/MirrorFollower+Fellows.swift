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
    /// How this node is, for load balancers.
    package func health() async -> MirrorHealth {
        let status = status
        let isServing = status.nodeState == .synchronized && mayServe(among: status.nodes)
        let progress = isServing ? nil : try? await progress()
        return MirrorHealth(
            state: status.nodeState.rawValue, members: max(1, status.nodes.count { $0.isAlive }),
            isDiscovering: status.nodeState == .bootstrapped, synced: progress?.synced ?? 0,
            total: progress?.total ?? 0, isServing: isServing)
    }

    /// By this node's own clock: after its lease only who knows that the others do not go on without it.
    private func mayServe(among nodes: [MirrorNode]) -> Bool {
        guard let age = sinceQuestion, age > .milliseconds(MirrorNode.leaseMilliseconds),
            nodes.contains(where: { $0.id != node.rawValue && $0.isAlive })
        else { return true }
        return sinceWatch.map { $0 < FellowWatch.validity } ?? false
    }

    /// Looks, while the upstream does not answer, whether it may answer others of the farm: then those go on
    /// without this node, which must not serve until it has caught up. When it answers nobody, nothing
    /// changes anywhere, and all go on serving what they have.
    func watchFellows() async {
        var watch = FellowWatch()
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(500))
            let status = status
            guard status.nodeState == .synchronized, let before = sinceContact,
                before > FellowWatch.silenceMax
            else {
                watch = FellowWatch()
                continue
            }
            let fellows = status.nodes.filter { $0.id != node.rawValue && $0.isAlive }
            let answers = await answers(of: fellows)
            // The upstream may have answered meanwhile.
            guard let after = sinceContact, after > FellowWatch.silenceMax else { continue }
            if let reason = watch.reasonToLeave(answers, before: before, after: after) {
                leave(reason, fellows)
            } else {
                noteWatch()
            }
        }
    }

    private func leave(_ reason: FellowWatch.Reason, _ fellows: [MirrorNode]) {
        let (text, id) =
            switch reason {
            case .goesOn(let id): ("the upstream answers others of the farm, not this node", id)
            case .unknown(let id): ("neither the upstream nor a fellow, which may go on, answers", id)
            }
        let fellow = fellows.first { $0.id == id }
        logger.warning(
            "\(text): this node no longer serves",
            metadata: ["fellow": "\(fellow?.name ?? id)", "address": "\(fellow?.address ?? "")"])
        fallBehind()
    }

    /// Asks all of them at the same time: the lease runs.
    private func answers(of fellows: [MirrorNode]) async -> [String: FellowWatch.Answer] {
        await withTaskGroup(of: (String, FellowWatch.Answer).self) { group in
            for fellow in fellows { group.addTask { (fellow.id, await self.answer(of: fellow)) } }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    private func answer(of fellow: MirrorNode) async -> FellowWatch.Answer {
        do {
            let said = try await ask(fellow, timeout: FellowWatch.answerMax)["silence"]?.integerValue
            return .silence(said.map { .milliseconds($0) })
        } catch {
            switch error {
            case .unreachable(_, PeerError.nobodyListens): return .gone
            case .unreachable, .timeout: return .nothing
            case .refused(let status, _, _) where status >= 500: return .nothing
            // Upstream and fellow agree that this node's clock is wrong: then they understand each other.
            case .refused(_, _, "clock") where isRefusedForClock: return .silence(.zero)
            case .refused, .tls, .notUnderstood: return .silence(nil)
            }
        }
    }

    private func ask(
        _ fellow: MirrorNode, timeout: Duration = .seconds(2)
    ) async throws(PeerError) -> PortableValue {
        let connection = UpstreamConnection(
            client: fellows, baseURL: fellow.address, identity: identity, node: node)
        return try await connection.call("GET", "fellow", timeout: timeout)
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
