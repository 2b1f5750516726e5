import GitStore
import Hosting
import NIOCore

/// `git-upload-pack` over SSH: in protocol version 2 refs are listed in this process, so that asking whether
/// anything is new starts no git, and whole clones come from `git pack-objects`.
struct SSHUploadPack: Sendable {
    let hosting: Hosting
    let repository: Repository
    let operation: SSHOperation
    /// On a mirror: where requests go for what is not here.
    var relay: SSHRelay?
    /// For a mirror: what gives it exactly what it asks for.
    var mirrors: (any GitDelegates)?

    private var path: String { hosting.layout.repository(repository.id) }

    /// Answers until the client has what it wants.
    /// - Returns: The exit code.
    func run(asked: String?) async throws -> Int32 {
        let version = GitProtocolVersion(asked: asked, service: .uploadPack)
        guard version == .v2 else {
            return try await serve(version, first: ByteBuffer(), skipsAdvertisement: false)
        }
        try await operation.client.write(try await hosting.git.capabilityAdvertisementV2())
        var packets = SSHPackets(operation.exchange)
        while true {
            var request: [PktLine] = []
            while let packet = try await packets.next(bytesMax: V2Request.bytesMax) {
                request.append(packet)
                if V2Request.isEnough(request) { break }
            }
            if request == [.flush] || (request.isEmpty && packets.bytes.readableBytes == 0) { return 0 }
            if let command = LsRefsCommand.parse(request) {
                let refs = try await hosting.git.lsRefs(in: path, request: command)
                try await operation.client.write(refs)
            } else if let relay, try await !isHere(request) {
                guard try await relay.passOn(packets.whole) else { return 128 }
            } else if let mirrors, let exact = ExactFetch.parse(request) {
                try await send(exact, by: mirrors)
            } else if let clone = CloneCommand.parse(request), let isSent = try await send(clone) {
                guard isSent else { return 128 }
            } else {
                return try await serve(.v2, first: packets.bytes, skipsAdvertisement: true)
            }
            packets.forget()
        }
    }

    /// Whether this mirror has all that a whole request asks for.
    private func isHere(_ request: [PktLine]) async throws -> Bool {
        guard request.last == .flush, let wanted = WantedObjects(request, version: .v2) else { return true }
        return try await wanted.areHere(hosting.git, in: path)
    }

    /// Sends the pack of a clone.
    /// - Returns: Whether the client has it; nil when git is to answer.
    private func send(_ clone: WholePackRequest) async throws -> Bool? {
        try await hosting.tickets.withTicket(.hosting) {
            guard let (process, input) = try await hosting.git.wholePack(clone, in: path) else { return nil }
            let pack = WholePack(
                process: process, input: input, context: operation, repository: repository)
            return try await pack.stream(to: operation.client)
        }
    }

    private func send(_ request: PackRequest, by mirrors: any GitDelegates) async throws {
        let client = operation.client
        var begin = ByteBuffer()
        begin.writePktLine("packfile\n")
        try await mirrors.writePack(request, of: repository) { portion in
            var packets = begin
            begin.clear()
            packets.writeBand(1, portion)
            try await client.write(packets)
        }
        begin.writePktLine(.flush)
        try await client.write(begin)
    }

    /// Lets git answer from here on.
    /// - Parameter first: What the client has said already.
    /// - Parameter skipsAdvertisement: Whether the client knows what git says first.
    private func serve(
        _ version: GitProtocolVersion, first: ByteBuffer, skipsAdvertisement: Bool
    ) async throws -> Int32 {
        try await hosting.tickets.withTicket(.hosting) {
            let process = try hosting.git.uploadPackStream(
                in: path, protocolVersion: version.environmentValue)
            let client = operation.client
            var skipped = skipsAdvertisement ? PktLineParser() : nil
            let bridge = ProcessBridge(process: process, presence: operation.presence, mustFinish: { false })
            let status = try await bridge.run(first: first, body: operation.rest()) { part in
                guard var parser = skipped else { return try await client.write(part) }
                parser.feed(part)
                while let packet = try parser.next() {
                    guard packet == .flush else { continue }
                    skipped = nil
                    return try await client.write(parser.takeRemainder())
                }
                skipped = parser
            }
            return await operation.exitCode(of: process, status, repository: repository)
        }
    }
}

/// `git-upload-archive` over SSH: all of it is git's.
struct SSHUploadArchive: Sendable {
    let hosting: Hosting
    let repository: Repository
    let operation: SSHOperation

    /// Answers with the archive.
    /// - Returns: The exit code.
    func run() async throws -> Int32 {
        try await hosting.tickets.withTicket(.hosting) {
            let process = try hosting.git.uploadArchive(in: hosting.layout.repository(repository.id))
            let client = operation.client
            let bridge = ProcessBridge(process: process, presence: operation.presence, mustFinish: { false })
            let status = try await bridge.run(body: operation.rest()) { try await client.write($0) }
            return await operation.exitCode(of: process, status, repository: repository)
        }
    }
}

extension SSHOperation {
    /// What the client is told at the end of a process; a sentence too, when the process failed.
    func exitCode(of process: GitProcess, _ status: ExitStatus, repository: Repository) async -> Int32 {
        guard !status.isSuccess else { return 0 }
        await say(GitFailure.sentence(process, status, context: self, repository: repository))
        return 128
    }
}
