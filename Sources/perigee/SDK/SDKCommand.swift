import ArgumentParser

/// `perigee sdk`: what plugin authors are given.
struct SDKCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sdk", abstract: "Write the plugin authors' files.",
        subcommands: [SDKGenerateCommand.self])
}
