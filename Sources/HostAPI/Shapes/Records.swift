import PluginHost

/// The table shapes that several modules give, as they are documented.
enum Records {
    static let project = HostRecord(
        "Project", "A project: a set of repositories.",
        [
            HostField("id", .integer, "Never used again for another project."),
            HostField("key", .string, "`PRJ`, or `~name` for a personal project."),
            HostField("name", .string, "What people read."),
            HostField("description", .string, "What it is for.", isOptional: true),
            HostField("public", .boolean, "Whether everybody may read all of it."),
            HostField("type", .choice(["NORMAL", "PERSONAL"]), "Shared, or a user's own."),
        ])

    static let repository = HostRecord(
        "Repository",
        "A repository. Pass `id` around, and fetch the rest again: it may be renamed or deleted.",
        [
            HostField("id", .integer, "Never used again for another repository."),
            HostField("slug", .string, "Its name in addresses."),
            HostField("name", .string, "What people read."),
            HostField("description", .string, "What it is for.", isOptional: true),
            HostField("public", .boolean, "Whether everybody may read it."),
            HostField("archived", .boolean, "Whether it can only be read."),
            HostField("forkable", .boolean, "Whether it may be forked."),
            HostField(
                "state", .choice(["AVAILABLE", "INITIALISING", "INITIALISATION_FAILED"]), "How far it is."),
            HostField("project", .record("Project"), "Where it belongs."),
        ])

    static let ref = HostRecord(
        "Ref", "A branch, a tag or another ref.",
        [
            HostField("id", .string, "The full name, `refs/heads/main`."),
            HostField("display_id", .string, "The short name, `main`."),
            HostField("type", .choice(["BRANCH", "TAG", "OTHER"]), "What sort of ref it is."),
            HostField("target", .string, "The commit it leads to, 40 hexadecimal digits."),
            HostField(
                "object", .string, "The tag object of an annotated tag, else `target`."),
        ])

    static let person = HostRecord(
        "Person", "Who wrote or made a commit, as the commit says.",
        [
            HostField("name", .string, "The name."),
            HostField("email", .string, "The e-mail address."),
        ])

    static let commit = HostRecord(
        "Commit", "A commit, without its files.",
        [
            HostField("id", .string, "40 hexadecimal digits."),
            HostField("display_id", .string, "The first 11 of them."),
            HostField("parents", .list(.string), "The ids of its parents, the first parent first."),
            HostField("author", .record("Person"), "Who wrote the change."),
            HostField("author_timestamp", .integer, "When, in milliseconds since 1970."),
            HostField("committer", .record("Person"), "Who made the commit."),
            HostField("committer_timestamp", .integer, "When, in milliseconds since 1970."),
            HostField("message", .string, "The whole message, cut at 64 KiB (4 KiB in `each`)."),
        ])

    static let user = HostRecord(
        "User", "A user of this server.",
        [
            HostField("id", .integer, "Never used again for another user."),
            HostField("name", .string, "The name for logging in."),
            HostField("slug", .string, "The name in addresses."),
            HostField("display_name", .string, "What people read."),
            HostField("email", .string, "The e-mail address.", isOptional: true),
        ])

    static let error = HostRecord(
        "Error", "Why something was not done.",
        [
            HostField(
                "code", .choice(HostFailure.Code.allCases.map(\.rawValue)),
                "For programs: what kind of failure."),
            HostField("message", .string, "For people: one sentence."),
        ])
}
