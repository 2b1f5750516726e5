/// What an operator may choose about the domain.
package struct HostingSettings: Sendable {
    /// What links begin with.
    package var baseURL: BaseURL
    /// Whether public projects and repositories may be read without a user.
    package var anonymousAccess: Bool
    /// How many hosting operations (clone, fetch, push) run at a time; at least 1.
    package var hostingTicketsMax: Int
    /// How many more may wait for their turn; further ones are told to come back.
    package var hostingQueueMax: Int
    /// How long one waits for its turn before it is told to come back.
    package var hostingTicketTimeout: Duration
    /// How large a push may be, in bytes; nil = no limit.
    package var pushBytesMax: Int64?
    /// The name of a repository's first branch when nobody says otherwise.
    package var defaultBranch: String
    /// What a password costs to check.
    package var passwordCost: PasswordCost
    /// How long ``Hosting/stop()`` waits for events that are being delivered; the rest follows at the next
    /// start.
    package var drainTimeout: Duration
    /// Where to repositories may be pushed.
    package var outgoing = OutgoingRules()

    /// Settings with the defaults of an operator who chose nothing.
    package init(
        baseURL: BaseURL = BaseURL("http://localhost:7990"), anonymousAccess: Bool = true,
        hostingTicketsMax: Int = 12, hostingQueueMax: Int = 250,
        hostingTicketTimeout: Duration = .seconds(120),
        pushBytesMax: Int64? = nil, defaultBranch: String = "master", passwordCost: PasswordCost = .standard,
        drainTimeout: Duration = .seconds(10)
    ) {
        self.baseURL = baseURL
        self.anonymousAccess = anonymousAccess
        self.hostingTicketsMax = max(hostingTicketsMax, 1)
        self.hostingQueueMax = max(hostingQueueMax, 0)
        self.hostingTicketTimeout = hostingTicketTimeout
        self.pushBytesMax = pushBytesMax
        self.defaultBranch = defaultBranch
        self.passwordCost = passwordCost
        self.drainTimeout = drainTimeout
    }
}
