import ClusterServices
import PluginHost
import Portable

/// `perigee.topics`: messages to every node.
enum TopicsModule {
    static func module(_ services: HostServices) -> HostModule {
        HostModule(
            "topics", summary: "Sends messages to this plugin on every node of the cluster, and hears them.",
            notes: """
                The manifest names the topics: `"topics": ["settings-changed"]`. They are this plugin's own. A
                message reaches the plugin on every node that runs it at the moment, the sender's included;
                the messages of one node arrive in the order in which it sent them.

                Nothing is kept: a node that is cut off, that starts later, or for which 1,000 messages wait
                does not get a message, and nobody is told. What must not be lost belongs in
                `perigee.executors` or `perigee.kv`; a topic is good for saying that there is something to
                look at.
                """,
            records: [Records.error, message], functions: [publish(services), on(services)],
            release: { plugin in
                services.cluster.topics?.release(namespace: PluginContext.storageNamespace(of: plugin))
            })
    }

    private static let message = HostRecord(
        "TopicMessage", "A message that was published on a topic.",
        [
            HostField("payload", .value, "What was published."),
            HostField("node", .string, "The node that published it."),
            HostField("own", .boolean, "Whether that was this node."),
        ])

    private static let topic = HostParameter("topic", .string, "One of the manifest's `topics`.")

    private static func publish(_ services: HostServices) -> HostFunction {
        HostFunction(
            "publish", summary: "Sends a message to every node.",
            parameters: [
                topic, HostParameter("payload", .value, "Plain data of at most 5,000 bytes, encoded."),
            ],
            results: [
                HostResult(
                    "sent", .boolean, "`true`: it is on its way; `nil` when it is not.", isOptional: true),
                HostResult(
                    "err", .record("Error"), "`unavailable`; `quota` when 1,000 wait to be sent.",
                    isOptional: true),
            ],
            permission: .some(of: "topics"),
            example: """
                perigee.topics.publish("settings-changed", { repository = 12 })
                """,
            body: .waiting { call in
                try call.require(.named("topics", call.string(0)))
                do {
                    try await services.require(\.cluster.topics).publish(
                        namespace: PluginContext.storageNamespace(of: call.plugin.id), topic: call.string(0),
                        call.value(1))
                    return [true]
                } catch let error as TopicError {
                    switch error {
                    case .tooLarge, .invalid:
                        throw HostFailure.misuse("bad argument #2 'payload' to '\(call.function)' (\(error))")
                    case .tooMany: throw HostFailure.outcome(code: .quota, message: "\(error)")
                    case .unavailable: throw HostFailure.outcome(code: .unavailable, message: "\(error)")
                    }
                }
            })
    }

    private static func on(_ services: HostServices) -> HostFunction {
        HostFunction(
            "on",
            summary: """
                Calls a function for every message on a topic, one message at a time. An error in it is \
                logged, and the next message follows.
                """,
            parameters: [
                topic,
                HostParameter(
                    "handler", .function("fun(message: perigee.TopicMessage)"), "It may wait, at most 30 s."),
            ],
            permission: .some(of: "topics"), phase: .registration,
            example: """
                perigee.topics.on("settings-changed", function(message)
                  perigee.log.info("look again", { from = message.node })
                end)
                """,
            body: .immediate { call in
                try call.require(.named("topics", call.string(0)))
                let (plugin, topic, callback) = (call.plugin, call.string(0), try call.callback(1))
                try plugin.offer("topics.on \(topic)") {
                    let subscription = try services.require(\.cluster.topics).subscribe(
                        namespace: PluginContext.storageNamespace(of: plugin.id), topic: topic
                    ) { message in
                        let argument: PortableValue = [
                            "payload": message.payload, "node": .string(message.node),
                            "own": .bool(message.isOwn),
                        ]
                        // What fails is in the plugin's log.
                        _ = try? await plugin.call(callback, [argument], kind: "topic", wait: .seconds(30))
                    }
                    return { subscription.cancel() }
                }
                return []
            })
    }
}
