import GitStore
import PluginHost

extension Records {
    static let remotePush = HostRecord(
        "RemotePush", "How a push to another server ended.",
        [
            HostField(
                "outcome", .choice(RemotePushReport.Outcome.allCases.map(\.rawValue)), "For programs."),
            HostField("message", .string, "For people; `nil` after `pushed`.", isOptional: true),
            HostField("said", .string, "What the remote said, at most 2,000 bytes."),
            HostField(
                "counts", .table,
                "How many refs were `created`, `updated`, `forced`, `deleted`, `rejected`, `unchanged`; and "
                    + "how many of the forced ones `foreign`."),
            HostField(
                "refs", .list(.record("RemoteRef")),
                "What happened to each, but the unchanged; 500 at most, rejected and foreign ones first."),
        ])

    static let remoteRef = HostRecord(
        "RemoteRef", "What happened to a ref of a repository on another server.",
        [
            HostField("id", .string, "The full name, `refs/heads/main`."),
            HostField(
                "change", .choice(RemotePushReport.Ref.Change.allCases.map(\.rawValue)), "In a word."),
            HostField("from", .string, "What it was, where that is known.", isOptional: true),
            HostField("to", .string, "What it is, where it was moved.", isOptional: true),
            HostField("reason", .string, "Why it was rejected.", isOptional: true),
            HostField(
                "foreign", .boolean, "Whether it was at an object that this server does not have."),
        ])
}
