extension SettingTable {
    static let mirroringUpstream = Setting(
        "plugin.mirroring.upstream.url", .url, nil,
        "On a mirror: the base URL of the server that it mirrors.")
    static let mirroringFarmSecret = Setting(
        "plugin.mirroring.farm.secret", .text, nil, isSecret: true,
        "On a mirror: what all nodes of its farm know, at least 24 characters. Without it the first start "
            + "makes one in `shared/config/mirror-farm.secret`, to be copied to further nodes.")
    static let mirroringAuthorities = Setting(
        "plugin.mirroring.upstream.certificate-authorities", .path, nil,
        "On a mirror: a PEM file of the authorities that the upstream's certificate must come from. "
            + "Without it, those of the system.")
    static let mirroringInterval = Setting(
        "plugin.mirroring.synchronization.interval", .seconds(5...86_400), "180",
        "On a mirror: how often everything is compared with the upstream.")
    static let mirroringFetches = Setting(
        "plugin.mirroring.fetches.max", .integer(1...64), "4",
        "On a mirror: how many repositories are fetched at a time.")
    static let mirroringAttempts = Setting(
        "plugin.mirroring.attempts.max", .integer(1...100), "6",
        "On a mirror: how often a fetch is tried before it is left to the next comparison.")
    static let mirroringRightsOffline = Setting(
        "plugin.mirroring.rights.offline", .seconds(0...86_400), "600",
        "On a mirror: how long what a user may read is remembered while the upstream is away.")
    static let mirroringTolerance = Setting(
        "plugin.mirroring.repository.diagnostics.sync.tolerance", .seconds(1...86_400), "10",
        "On a mirror: how long a repository may differ before it is listed as out of sync.")
    static let mirroringQueueDump = Setting(
        "plugin.mirroring.farm.max.ref.change.queue.dump.size", .integer(1...10_000), "100",
        "On a mirror: how much of what waits to be fetched `supportInfo/refChangesQueue` shows.")
    static let mirroringTransport = Setting(
        "plugin.mirroring.fetch.transport", .choice(["https", "ssh"]), "https",
        "On a mirror: how objects come from the upstream. `https`: by the same signed requests as all else; "
            + "`ssh`: by `git-upload-pack` at its SSH port, with a key of the mirror's own.")
    static let mirroringSSHURL = Setting(
        "plugin.mirroring.fetch.ssh.url", .text, nil,
        "On a mirror that fetches over SSH: where the upstream's SSH port is, such as "
            + "`ssh://git.example.com:7999`. Without it, where the upstream says.")
    static let mirroringHosting = Setting(
        "throttle.resource.mirror-hosting", .integer(1...10_000), "8",
        "How many packs are made for mirrors at a time.")

    static let mirroringPulls = Setting(
        "plugin.mirroring.pull-requests.eager", .boolean, "false",
        "On a primary: whether its mirrors follow `refs/pull-requests/*` by themselves, at once and with "
            + "each comparison. Otherwise these refs come along with the next push.")

    static let mirroring = [
        mirroringUpstream, mirroringFarmSecret, mirroringAuthorities, mirroringInterval, mirroringFetches,
        mirroringAttempts, mirroringRightsOffline, mirroringTolerance, mirroringQueueDump, mirroringTransport,
        mirroringSSHURL, mirroringHosting, mirroringPulls,
    ]
}
