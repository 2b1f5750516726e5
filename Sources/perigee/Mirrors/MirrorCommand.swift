import ArgumentParser

/// `perigee mirror`: the mirrors of a primary, and how a mirror is.
struct MirrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror", abstract: "Accept, list and remove mirrors; on a mirror, see how it is.",
        subcommands: [
            MirrorListCommand.self, MirrorAcceptCommand.self, MirrorDeclineCommand.self,
            MirrorRemoveCommand.self, MirrorStatusCommand.self,
        ])
}
