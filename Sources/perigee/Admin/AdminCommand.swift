import ArgumentParser

/// `perigee admin`: what a running cluster does, and what an administrator changes about it.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Look after a running cluster.",
        subcommands: [
            AdminLocksCommand.self, AdminExecutorsCommand.self, AdminJobsCommand.self,
            HAProxyConfigCommand.self, SSHHostKeysCommand.self,
        ])
}
