import PluginHost
import Portable

/// `perigee.events`: hearing of what happened, judging what is about to happen.
enum EventsModule {
    /// The events that the server itself raises.
    static let hostKeys = [
        "repo:refs_changed", "repo:created", "repo:modified", "repo:deleted", "repo:default_branch_modified",
        "project:created", "project:modified", "project:deleted", "cluster:node_added",
        "cluster:node_removed", "mirror:repo_synchronized",
    ]

    static func module() -> HostModule {
        HostModule(
            "events", summary: "Hears of what happened on this node, and may refuse a push.",
            notes: """
                Events carry the shape of the webhook of the same name, and reach the plugins of the node that
                raised them. Each plugin has its own queue: its handlers run one after another, in the order
                of the events, and no other plugin's slowness delays them.

                Every event of the server comes at least once: it is written down together with what it tells
                of, and kept until the plugin has handled it, also while the node is down, or the plugin has
                failed or is in quarantine. It may come a second time after a crash, so handlers should not
                mind that. A plugin that is disabled, or was not installed yet, gets nothing of what happens
                then; what waits for more than 30 days is given up. A handler that raises an error, or exceeds
                a limit, is logged, and the event counts as handled: it is not tried again, by this handler
                or the plugin's others. What must be tried again belongs in `perigee.kv`.

                Events that plugins publish are kept in memory alone: a stop or a crash loses those that wait.
                What `on_start` handlers publish goes out when the plugin serves, so that it hears its own.
                The lists of an event hold at most 5,000 entries; `truncated` then has the true length by
                name.

                The server raises \(hostKeys.map { "`\($0)`" }.joined(separator: ", ")).
                """,
            records: [Records.user, Records.error] + pushRecords + eventRecords,
            functions: [on, beforePush, publish])
    }

    private static let on = HostFunction(
        "on",
        summary:
            "Calls a function for every event with a key. The manifest must name the key under `events`.",
        parameters: [
            HostParameter("key", .string, "The event's key, such as `repo:refs_changed`."),
            HostParameter(
                "handler", .function("fun(event: table)"), "Called with the event's payload; may wait."),
        ],
        phase: .registration,
        example: """
            perigee.events.on("repo:refs_changed", function(event)
              for _, change in ipairs(event.changes) do
                perigee.log.info("ref changed", { ref = change.refId, to = change.toHash })
              end
            end)
            """,
        body: .immediate { call in
            let key = call.string(0)
            try check(key, call)
            if !key.hasPrefix("\(call.plugin.id):") { try call.require(.event(key)) }
            try call.plugin.onEvent(key, call.callback(1))
            return []
        })

    private static func check(_ key: String, _ call: HostCall) throws {
        let isHosts = key.hasPrefix("repo:") || key.hasPrefix("project:")
        guard isHosts, !hostKeys.contains(key) else { return }
        let hint = Nearest.match(key, among: hostKeys).map { "; did you mean '\($0)'?" } ?? ""
        try call.require(false, argument: 0, "key", "there is no event '\(key.cut(toBytes: 80))'\(hint)")
    }

    private static let beforePush = HostFunction(
        "before_push",
        summary: """
            Asks a function about every change of refs before it happens: pushes, branches and tags made or \
            removed over REST, changes by plugins. Returning `false` or `nil` and a text refuses all of it, \
            and the git client shows the text. Anything else accepts. A handler that fails, or takes more \
            than 5 s, refuses, unless the manifest says `"before_push_failure": "accept"`; so does a plugin \
            that is in quarantine or cannot be started.
            """,
        parameters: [
            HostParameter(
                "handler", .function("fun(push: perigee.Push): boolean?, string?"),
                "Called with what is about to happen; may wait. It sees the new commits.")
        ],
        permission: .beforePush, phase: .registration,
        example: """
            perigee.events.before_push(function(push)
              for _, change in ipairs(push.changes) do
                if change.type == "DELETE" and change.refId == "refs/heads/main" then
                  return false, "The branch main cannot be deleted. Ask its owners."
                end
              end
              return true
            end)
            """,
        body: .immediate { call in
            try call.plugin.onPush(call.callback(0))
            return []
        })

    private static let publish = HostFunction(
        "publish",
        summary: """
            Raises an event of the plugin's own, for every plugin on this node that listens, this one \
            included. It returns at once; the event follows the plugin's earlier ones. A listener for whom \
            1,000 of the plugin's events wait does not get it.
            """,
        parameters: [
            HostParameter("key", .string, "Begins with the plugin's id: `com.example.report:built`."),
            HostParameter("payload", .table, "What listeners get; at most 256 KiB.", isOptional: true),
        ],
        results: [
            HostResult(
                "sent", .boolean, "`true`; `nil` when nobody who listens has room for more.", isOptional: true
            ),
            HostResult("err", .record("Error"), "`unavailable`.", isOptional: true),
        ],
        example: """
            perigee.events.publish(perigee.plugin.id .. ":built", { repository = 12 })
            """,
        body: .quick { call in
            let (plugin, key, payload) = (call.plugin, call.string(0), call.value(1))
            let name = key.hasPrefix("\(plugin.id):") ? key.dropFirst(plugin.id.count + 1) : ""
            guard !name.isEmpty, name.utf8.count <= 100 else {
                throw HostFailure.misuse(
                    "bad argument #1 'key' to '\(publishName)' "
                        + "(a plugin raises events under its own id: '\(plugin.id):name')")
            }
            try PayloadSize.check(payload, "#2 'payload' to '\(publishName)'")
            guard plugin.publish(key: key, payload: payload.isNull ? .map([:]) : payload) else {
                throw HostFailure.outcome(code: .unavailable, message: "too many events of this plugin wait")
            }
            call.give(true)
        })

    private static let publishName = "perigee.events.publish"
}
