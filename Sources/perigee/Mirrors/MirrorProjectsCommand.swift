import ArgumentParser
import Node
import Portable

/// `perigee mirror projects`: which projects a mirror has.
struct MirrorProjectsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "projects", abstract: "Show or choose which projects a mirror has.",
        discussion: """
            Without a choice it shows what the mirror has. A choice can be changed at any time and both \
            ways; copies that would go from the mirror's disks are listed first, and go only with --yes.
            """)

    @Argument(help: "The mirror's id, such as B0F5-CS21-45C2-CCK3.")
    var id: String

    @Flag(help: "Give it all projects, also those to come.")
    var all = false

    @Option(help: ArgumentHelp("Give it only these; repeat for more.", valueName: "key"))
    var only: [String] = []

    @Option(help: ArgumentHelp("Give it this project, too; repeat for more.", valueName: "key"))
    var add: [String] = []

    @Option(help: ArgumentHelp("Take this project away; repeat for more.", valueName: "key"))
    var remove: [String] = []

    @Flag(help: "Let the copies that are listed go.")
    var yes = false

    @OptionGroup var node: NodeOptions

    func validate() throws {
        let ways = [all, !only.isEmpty, !add.isEmpty || !remove.isEmpty]
        guard ways.count(where: { $0 }) <= 1 else {
            throw ValidationError("Give --all, or --only, or --add and --remove.")
        }
    }

    func run() async throws {
        let client = try node.client()
        let choice: MirrorChoice? =
            if all { .all } else if !only.isEmpty { .only(only) } else if !add.isEmpty || !remove.isEmpty {
                .change(add: add, remove: remove)
            } else { nil }
        guard let choice else { return try await show(client) }
        let removed = try await client.choose(choice, for: id, confirmed: false)
        guard !removed.isEmpty else { return try await show(client) }
        print("These copies go from the mirror's disks:")
        for name in removed { print("  \(TerminalText.shown(name))") }
        guard yes else {
            print("Nothing was changed. Give --yes to let them go.")
            throw ExitCode(1)
        }
        _ = try await client.choose(choice, for: id, confirmed: true)
        try await show(client)
    }

    private func show(_ client: NodeClient) async throws {
        let (mode, keys) = try await client.projects(of: id)
        print(
            mode == "ALL_PROJECTS"
                ? "all projects" : keys.isEmpty ? "no project" : keys.joined(separator: "\n"))
    }
}
