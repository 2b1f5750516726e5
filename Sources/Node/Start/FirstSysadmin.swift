import Hosting
import Logging

/// Makes the first system administrator at the first start, and never again.
struct FirstSysadmin {
    let users: Users
    let configuration: NodeConfiguration.Sysadmin
    let logger: Logger
    /// Where the one-time password is shown, once.
    let show: @Sendable (String) -> Void

    func makeIfMissing() async throws {
        guard try await !users.hasSysadmin() else { return }
        let password = configuration.password ?? SystemFile.randomHexadecimal(bytes: 12)
        try await users.createSysadmin(
            NewUser(
                name: configuration.username, displayName: configuration.displayName,
                emailAddress: configuration.emailAddress, password: password))
        logger.info(
            "made the first system administrator", metadata: ["user.name": "\(configuration.username)"])
        guard configuration.password == nil else { return }
        show(
            "The first system administrator is \"\(configuration.username)\", with the password \(password)\n"
                + "It is shown this once. Change it: PUT /rest/api/latest/users/credentials\n")
    }
}
