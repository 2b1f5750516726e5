import FoundationEssentials
package import Logging
package import Portable
package import SharedDatabase
import Synchronization

/// Messages to every node of the cluster, this one included, through the database's notifications.
///
/// Nothing is kept: a node that is cut off, or starts later, does not get what was published meanwhile, and
/// nobody is told. The messages of one node arrive in the order in which it published them.
package final class TopicService: Sendable {
    private struct Subscriber {
        weak var subscription: TopicSubscription?
        let namespace: String
    }

    private struct State {
        var subscribers: [String: [Subscriber]] = [:]
        var queue: [(payload: String, waiter: CheckedContinuation<TopicError?, Never>)] = []
        var tasks: [Task<Void, Never>] = []
        var number: Int64 = 0
        var isOpen = true
    }

    private let database: SharedDatabase
    private let node: String
    private let logger: Logger
    private let source = Int64.random(in: 1 ... .max)
    private let state = Mutex(State())
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    /// The largest message, in bytes of its encoding.
    package static let bytesMax = 5_000
    private static let channel = "perigee_topic"
    private static let queueMax = 1_000
    private static let batchMax = 100

    /// - Parameters:
    ///   - database: What the nodes share.
    ///   - node: How messages name this node.
    package init(database: SharedDatabase, node: String, logger: Logger = Logger(label: "perigee.topic")) {
        self.database = database
        self.node = node
        self.logger = logger
        (bell, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Hears and sends from here on.
    package func start() {
        state.withLock { state in
            guard state.tasks.isEmpty else { return }
            state.tasks = [
                Task { [weak self] in await self?.listen() }, Task { [weak self] in await self?.send() },
            ]
        }
    }

    /// Ends everything. Messages that wait are not sent.
    package func stop() async {
        let (tasks, queue, subscribers) = state.withLock { state in
            state.isOpen = false
            defer { (state.tasks, state.queue, state.subscribers) = ([], [], [:]) }
            return (state.tasks, state.queue, state.subscribers.values.flatMap { $0 })
        }
        ring.finish()
        for entry in queue { entry.waiter.resume(returning: .unavailable(reason: "the node stops")) }
        for subscriber in subscribers { subscriber.subscription?.cancel() }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    /// Publishes a message. On return it is on its way to every node that listens now.
    /// - Throws: ``TopicError``.
    package func publish(
        namespace: String, topic: String, _ payload: PortableValue
    ) async throws(TopicError) {
        let bytes: Int
        do { bytes = try MessagePack.encode(payload).count } catch { throw .invalid(error) }
        guard bytes <= Self.bytesMax else { throw .tooLarge(bytes: bytes, limit: Self.bytesMax) }
        let failure = await withCheckedContinuation { waiter in
            let refusal = enqueue(namespace, topic, payload, waiter)
            if let refusal { waiter.resume(returning: refusal) } else { ring.yield() }
        }
        if let failure { throw failure }
    }

    /// Calls a function for every message on a topic, one at a time, until the subscription is cancelled or
    /// let go.
    package func subscribe(
        namespace: String, topic: String, _ body: @escaping @Sendable (TopicMessage) async -> Void
    ) -> TopicSubscription {
        let subscription = TopicSubscription(body)
        state.withLock { state in
            let name = "\(namespace)/\(topic)"
            state.subscribers[name, default: []].removeAll { $0.subscription == nil }
            state.subscribers[name, default: []].append(
                Subscriber(subscription: subscription, namespace: namespace))
        }
        return subscription
    }

    /// Ends the subscriptions of a namespace on this node.
    package func release(namespace: String) {
        let ended = state.withLock { state in
            let ended = state.subscribers.values.flatMap { $0 }.filter { $0.namespace == namespace }
            state.subscribers = state.subscribers.mapValues { $0.filter { $0.namespace != namespace } }
                .filter { !$0.value.isEmpty }
            return ended
        }
        for subscriber in ended { subscriber.subscription?.cancel() }
    }

    /// The number is given in the order of the queue, which is that of sending.
    private func enqueue(
        _ namespace: String, _ topic: String, _ payload: PortableValue,
        _ waiter: CheckedContinuation<TopicError?, Never>
    ) -> TopicError? {
        state.withLock { state in
            guard state.isOpen else { return .unavailable(reason: "the node stops") }
            guard state.queue.count < Self.queueMax else { return .tooMany(limit: Self.queueMax) }
            let message = PortableValue.list([
                .integer(source), .string(node), .integer(state.number + 1),
                .string("\(namespace)/\(topic)"), payload,
            ])
            let bytes: [UInt8]
            do throws(PortableError) {
                bytes = try MessagePack.encode(message)
            } catch {
                return .invalid(error)
            }
            state.queue.append((Data(bytes).base64EncodedString(), waiter))
            state.number += 1
            return nil
        }
    }

    /// All that waits goes in one transaction.
    private func send() async {
        for await _ in bell {
            while true {
                let batch = state.withLock { state in
                    let batch = Array(state.queue.prefix(Self.batchMax))
                    state.queue.removeFirst(batch.count)
                    return batch
                }
                if batch.isEmpty { break }
                let payloads = batch.map(\.payload)
                var failure: TopicError?
                do {
                    try await database.write(durability: .process) { transaction in
                        for payload in payloads { try transaction.notify(Self.channel, payload) }
                    }
                } catch {
                    failure = .unavailable(reason: "\(error)")
                }
                for entry in batch { entry.waiter.resume(returning: failure) }
            }
        }
    }

    private func listen() async {
        while !Task.isCancelled {
            do {
                for await signal in try await database.signals(of: [Self.channel]) {
                    if case .notification(_, let payload) = signal { hear(payload) }
                }
            } catch {
                logger.warning("topics are not heard", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: .milliseconds(500))
        }
    }

    private func hear(_ payload: String) {
        guard let bytes = Data(base64Encoded: payload), let value = try? MessagePack.decode(bytes),
            let source = value[0]?.integerValue, let node = value[1]?.stringValue,
            let number = value[2]?.integerValue, let name = value[3]?.stringValue, let body = value[4]
        else { return }
        let message = TopicMessage(
            node: node, isOwn: source == self.source, number: number, payload: body)
        let subscribers = state.withLock { $0.subscribers[name] ?? [] }
        for subscriber in subscribers { subscriber.subscription?.give(message) }
    }
}
