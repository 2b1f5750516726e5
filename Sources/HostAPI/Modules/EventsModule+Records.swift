import PluginHost

extension EventsModule {
    static let pushRecords = [
        HostRecord(
            "PushedRef", "The ref of a change.",
            [
                HostField("id", .string, "The full name, `refs/heads/main`."),
                HostField("displayId", .string, "The short name, `main`."),
                HostField("type", .choice(["BRANCH", "TAG", "OTHER"]), "What sort of ref it is."),
            ]),
        HostRecord(
            "PushChange", "One ref that is about to change.",
            [
                HostField("ref", .record("PushedRef"), "Which."),
                HostField("refId", .string, "Its full name."),
                HostField("fromHash", .string, "What it names now; 40 zeros when it is new."),
                HostField("toHash", .string, "What it shall name; 40 zeros when it is deleted."),
                HostField("type", .choice(["ADD", "UPDATE", "DELETE"]), "What happens to it."),
                HostField("forced", .boolean, "Whether commits leave a branch by it, or a tag moves."),
            ]),
        HostRecord(
            "Push", "A change of refs that is about to happen; all of it happens, or nothing.",
            [
                HostField("id", .string, "Names it in the server's log."),
                HostField("repository", .record("Repository"), "Where."),
                HostField(
                    "user", .record("User"), "Who; `nil` when the server itself acts.", isOptional: true),
                HostField(
                    "changes", .list(.record("PushChange")),
                    "What, in the client's order. More than 1,000 are judged in parts of 1,000."),
                HostField("push_options", .list(.string), "What the client passed with `--push-option`."),
                HostField(
                    "trigger",
                    .choice(["push", "branch-create", "branch-delete", "tag-create", "tag-delete", "plugin"]),
                    "How it came about."),
            ]),
    ]

    static let eventRecords = [
        HostRecord(
            "RefsChangedEvent", "What a handler of `repo:refs_changed` gets.",
            [
                HostField("eventKey", .string, "`repo:refs_changed`."),
                HostField("date", .string, "When, `2026-11-21T02:25:56+0000`."),
                HostField(
                    "actor", .table, "Who: `name`, `emailAddress`, `id`, `displayName`, `slug`, `type`."),
                HostField("repository", .table, "Where: `id`, `slug`, `name`, `project.key` and so on."),
                HostField(
                    "changes", .list(.table), "What: `ref`, `refId`, `fromHash`, `toHash`, `type` each."),
            ])
    ]
}
