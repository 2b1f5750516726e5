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
    private let logger = Logger(label: "perigee.access")

    func visitor(fingerprint: String) async throws -> SSHVisitor? {
        guard let key = try await hosting.keys.usable(fingerprint: fingerprint) else { return nil }
        return SSHVisitor(key: key.id.rawValue, name: key.user.name)
    }

    func welcome(_ visitor: SSHVisitor, from address: String) async {
        Counter(label: "perigee.ssh.logins").increment()
        await hosting.keys.noteUse(of: SSHKeyID(visitor.key))
    }

    func revoked(among keys: Set<Int64>) async throws -> Set<Int64> {
        let unusable = try await hosting.keys.unusable(among: Set(keys.map { SSHKeyID($0) }))
        return Set(unusable.map(\.rawValue))
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
            let address = try GitAddress(sshPath: command.path)
            let principal = try await hosting.keys.principal(
                key: SSHKeyID(request.visitor.key), projectKey: address.projectKey, slug: address.slug)
            guard let principal else {
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

    private func run(
        _ command: SSHCommand, at address: GitAddress, _ operation: SSHOperation, asked: String?
    ) async throws -> Int32 {
        let gate = GitGate(hosting: hosting)
        let repository = try await gate.repository(
            at: address, for: command.service, by: operation.principal)
        switch command {
        case .uploadPack:
            let service = SSHUploadPack(hosting: hosting, repository: repository, operation: operation)
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
        let key = try await hosting.keys.find(SSHKeyID(visitor.key))
        let who =
            key.map {
                $0.isAccessKey
                    ? "Hello, holder of the access key \"\($0.label ?? $0.fingerprint)\"."
                    : "Hello \($0.user.displayName), you are logged in as \($0.user.name)."
            } ?? "Hello."
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
