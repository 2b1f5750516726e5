import ArgumentParser

/// `perigee mirror`: the mirrors of a primary, and how a mirror is.
struct MirrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror", abstract: "Look after the mirrors of a primary; on a mirror, see how it is.",
        subcommands: [
            MirrorListCommand.self, MirrorAcceptCommand.self, MirrorDeclineCommand.self,
            MirrorRemoveCommand.self, MirrorProjectsCommand.self, MirrorStatusCommand.self,
            MirrorDoctorCommand.self,
        ])
}
