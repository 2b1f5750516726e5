import HTTPServing
import Hosting
import Logging
import Metrics
import NIOCore
import Portable

/// What is behind the SSH server: the keys of the database, and git.
struct SSHGitDoor: SSHDoor {
    let hosting: Hosting
    let hookSocketPath: String
    /// Why nothing new is begun just now; nil when it is.
    let refusal: @Sendable () -> String?
    private let remoteKeys = SSHRemoteKeys()
    private let logger = Logger(label: "perigee.access")

    func visitor(_ shown: SSHShownKey) async throws -> SSHVisitor? {
        if let authority = hosting.authority {
            return try await remoteKeys.visitor(shown, authority: authority)
        }
        if let key = try await hosting.keys.usable(fingerprint: shown.fingerprint) {
            return SSHVisitor(key: key.id.rawValue, name: key.user.name)
        }
        return try await hosting.delegates?.mirror(key: "\(shown.algorithm) \(shown.text)").map(
            SSHVisitor.init)
    }

    func welcome(_ visitor: SSHVisitor, from address: String) async {
        Counter(label: "perigee.ssh.logins").increment()
        if visitor.shown == nil, visitor.mirror == nil {
            await hosting.keys.noteUse(of: SSHKeyID(visitor.key))
        }
    }

    func revoked(among keys: Set<Int64>) async throws -> Set<Int64> {
        if let authority = hosting.authority {
            return await remoteKeys.revoked(among: keys, authority: authority)
        }
        let people = Set(keys.filter { $0 >= 0 }.map { SSHKeyID($0) })
        var revoked = Set(try await hosting.keys.unusable(among: people).map(\.rawValue))
        if people.count < keys.count {
            revoked.formUnion(try await SSHVisitor.revokedMirrors(among: keys, hosting))
        }
        return revoked
    }

    func answer(_ request: SSHRequest, exchange: SSHExchange) async -> Int32 {
        let begun = ContinuousClock.now
        let requestID = RequestIDs.next()
        let code = await reply(to: request, exchange: exchange, requestID: requestID)
        let service = request.command.flatMap { SSHCommand($0) }?.name ?? "other"
        Counter(
            label: "perigee.ssh.commands",
            dimensions: [("service", service), ("outcome", code == 0 ? "done" : "failed")]
        ).increment()
        let (seconds, attoseconds) = begun.duration(to: .now).components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        logger.info(
            "ssh command",
            metadata: [
                "request.id": "\(requestID)", "command": "\((request.command ?? "shell").prefix(500))",
                "user": "\(request.visitor.name)", "key.id": "\(request.visitor.key)",
                "remote": "\(request.address)", "exit": "\(code)", "ms": "\(milliseconds)",
            ])
        return code
    }

    private func reply(to request: SSHRequest, exchange: SSHExchange, requestID: String) async -> Int32 {
        var logger = Logger(label: "perigee.ssh")
        logger[metadataKey: "request.id"] = "\(requestID)"
        var operation = SSHOperation(
            principal: .anonymous, exchange: exchange, logger: logger, requestID: requestID)
        do {
            guard let text = request.command else {
                await operation.say(try await greeting(for: request.visitor))
                return 1
            }
            guard let command = SSHCommand(text) else {
                await operation.say(SSHCommand.complaint)
                return 128
            }
            if let refusal = refusal() {
                await operation.say("Perigee takes no commands: \(refusal). Try again in a moment.")
                return 128
            }
            if let mirror = request.visitor.mirror {
                return try await SSHMirrorFetch(
                    hosting: hosting, mirror: mirror, operation: operation
                ).run(command, asked: request.gitProtocol)
            }
            let address = try GitAddress(sshPath: command.path)
            guard let principal = try await principal(of: request.visitor, at: address) else {
                await operation.say("Your key may no longer be used. Register another one.")
                return 128
            }
            operation = SSHOperation(
                principal: principal, exchange: exchange, logger: logger, requestID: requestID)
            return try await run(command, at: address, operation, asked: request.gitProtocol)
        } catch {
            return await complain(error, operation)
        }
    }

    private func principal(of visitor: SSHVisitor, at address: GitAddress) async throws -> Principal? {
        if let shown = visitor.shown { return Principal(remote: RemoteCredentials(shown)) }
        return try await hosting.keys.principal(
            key: SSHKeyID(visitor.key), projectKey: address.projectKey, slug: address.slug)
    }

    private func run(
        _ command: SSHCommand, at address: GitAddress, _ operation: SSHOperation, asked: String?
    ) async throws -> Int32 {
        let gate = GitGate(hosting: hosting)
        var relay: SSHRelay?
        if let door = UpstreamDoor(hosting), let credentials = operation.principal.remote {
            relay = SSHRelay(
                door: door, address: address, operation: operation, credentials: credentials)
        }
        let repository = try await gate.servedRepository(
            at: address, for: command.service, by: operation.principal)
        guard let repository else { return try await relay?.run(command, asked: asked) ?? 128 }
        switch command {
        case .uploadPack:
            let service = SSHUploadPack(
                hosting: hosting, repository: repository, operation: operation, relay: relay)
            return try await service.run(asked: asked)
        case .receivePack:
            return try await SSHReceivePack(
                hosting: hosting, repository: repository, hookSocketPath: hookSocketPath,
                operation: operation
            ).run(asked: asked)
        case .uploadArchive:
            let service = SSHUploadArchive(hosting: hosting, repository: repository, operation: operation)
            return try await service.run()
        }
    }

    private func complain(_ error: any Error, _ operation: SSHOperation) async -> Int32 {
        switch error {
        case let error as RequestError: await operation.say(error.message)
        case let error as HostingError: await operation.say(error.message)
        case is SSHExchange.ClientGone, is CancellationError: break
        default:
            guard !operation.presence.hasLeft else { break }
            operation.logger.error(
                "git command failed", metadata: ["error": "\(error)", "error.type": "\(type(of: error))"])
            await operation.say(
                "The server could not complete the request. "
                    + "Give the id \(operation.requestID) to its administrator.")
        }
        return 128
    }

    private func greeting(for visitor: SSHVisitor) async throws -> String {
        let base = hosting.settings.baseURL.ssh ?? "ssh://git@host"
        let isOwn = visitor.shown == nil && visitor.mirror == nil
        let key = isOwn ? try await hosting.keys.find(SSHKeyID(visitor.key)) : nil
        let who =
            key.map {
                $0.isAccessKey
                    ? "Hello, holder of the access key \"\($0.label ?? $0.fingerprint)\"."
                    : "Hello \($0.user.displayName), you are logged in as \($0.user.name)."
            } ?? "Hello \(visitor.name)."
        return """
            \(who) Perigee gives no shell.
            Clone a repository: git clone \(base)/PROJECT/REPOSITORY.git
            """
    }
}

extension SSHCommand {
    /// What is asked of the repository.
    fileprivate var service: GitService {
        switch self {
        case .uploadPack, .uploadArchive: .uploadPack
        case .receivePack: .receivePack
        }
    }

    /// For figures.
    fileprivate var name: String {
        switch self {
        case .uploadPack: "upload-pack"
        case .receivePack: "receive-pack"
        case .uploadArchive: "upload-archive"
        }
    }
}
