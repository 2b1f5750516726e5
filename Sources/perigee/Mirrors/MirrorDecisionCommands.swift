import ArgumentParser
import Node

/// `perigee mirror accept`.
struct MirrorAcceptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept", abstract: "Accept a mirror that asks.",
        discussion: """
            Compare the id with the one that `perigee mirror status` shows on the mirror, or its base URL: \
            it follows from the key that only the mirror has. An accepted mirror may read every repository \
            of the projects that it is given. One that was accepted before and removed gets what it had, as \
            its copies are still on its disks; `perigee mirror projects` says before it changes that which \
            copies would go.
            """)

    @Argument(help: "The mirror's id, such as B0F5-CS21-45C2-CCK3.")
    var id: String

    @Flag(
        help: """
            Give it all projects, also those to come. Without it, it gets those that are chosen later, or \
            those that it had.
            """)
    var allProjects = false

    @OptionGroup var node: NodeOptions

    func run() async throws {
        let client = try node.client()
        try await client.decideMirror(id, accept: true, allProjects: allProjects)
        let (mode, keys) = try await client.projects(of: id)
        let what = mode == "ALL_PROJECTS" ? "all projects" : keys.joined(separator: ", ")
        print(what.isEmpty ? "accepted; no project is chosen yet" : "accepted; it has \(what)")
    }
}

/// `perigee mirror decline`.
struct MirrorDeclineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decline", abstract: "Decline a mirror that asks.")

    @Argument(help: "The mirror's id.")
    var id: String

    @OptionGroup var node: NodeOptions

    func run() async throws {
        try await node.client().decideMirror(id, accept: false, allProjects: false)
        print("declined")
    }
}

/// `perigee mirror remove`.
struct MirrorRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a mirror: it may read nothing any more.",
        discussion: """
            What the mirror has on its disks stays there. When it is accepted again it gets the projects \
            that it had.
            """)

    @Argument(help: "The mirror's id.")
    var id: String

    @OptionGroup var node: NodeOptions

    func run() async throws {
        try await node.client().removeMirror(id)
        print("removed")
    }
}
