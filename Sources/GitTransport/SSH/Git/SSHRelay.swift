import GitStore
import HTTPServing
import HTTPTypes
import Hosting
import NIOCore

/// On a mirror: commands of SSH that the upstream is to carry out, passed on by git's HTTP protocol in the
/// name of the key's holder.
struct SSHRelay: Sendable {
    let door: UpstreamDoor
    let address: GitAddress
    let operation: SSHOperation
    let credentials: RemoteCredentials

    /// Passes a command on.
    /// - Returns: The exit code.
    func run(_ command: SSHCommand, asked: String?) async throws -> Int32 {
        switch command {
        case .receivePack: return try await push(asked: asked)
        case .uploadPack: return try await fetch(asked: asked)
        case .uploadArchive:
            await operation.say(
                "This mirror does not have the repository, or not yet. Ask the upstream for the archive.")
            return 128
        }
    }

    /// Passes a push on.
    /// - Returns: The exit code.
    func push(asked: String?) async throws -> Int32 {
        let version = GitProtocolVersion(asked: asked, service: .receivePack)
        guard try await advertise(.receivePack, version) else { return 128 }
        var packets = SSHPackets(operation.exchange)
        var first: [PktLine] = []
        while let packet = try await packets.next(bytesMax: RelayedCommands.bytesMax) {
            first.append(packet)
            if Self.areComplete(first) { break }
        }
        // Nothing to push, or only a look at the refs.
        if first.first == .flush || packets.bytes.readableBytes == 0 { return 0 }
        let (commands, client) = (RelayedCommands(first), PushCapabilities(first))
        let rest = operation.rest()
        let hasRest = commands.hasPack || !Self.areComplete(first)
        let answer = try await post(
            .receivePack, version,
            hasRest ? .stream(UpstreamDoor.stream(packets.bytes, rest)) : .bytes(packets.bytes))
        guard answer.status == 200 else {
            let sentence = try await Self.sentence(answer)
            try await operation.client.write(GitAnswer.pushError(sentence, for: client))
            return 1
        }
        var report = ReportRelay()
        try await answer.forEachPortion { try await operation.client.write(try report.feed($0)) }
        rest.stop?()
        let (held, outcome) = report.finish()
        try await operation.client.write(
            await door.end(held, made: commands.made(outcome), at: address, client))
        return 0
    }

    /// Passes a whole conversation of a fetch on.
    /// - Returns: The exit code.
    func fetch(asked: String?) async throws -> Int32 {
        let version = GitProtocolVersion(asked: asked, service: .uploadPack)
        guard version == .v2 else {
            await operation.say(
                "This mirror does not have the repository, or not yet, and passes on only git's protocol 2. "
                    + "Use git 2.26 or newer, or the upstream.")
            return 128
        }
        guard try await advertise(.uploadPack, version) else { return 128 }
        var packets = SSHPackets(operation.exchange)
        while true {
            var request: [PktLine] = []
            while let packet = try await packets.next(bytesMax: V2Request.bytesMax) {
                request.append(packet)
                if packet == .flush { break }
            }
            if request == [.flush] || request.isEmpty { return 0 }
            guard request.last == .flush else {
                await operation.say("The request is longer than this mirror passes on. Use the upstream.")
                return 128
            }
            guard try await passOn(packets.whole) else { return 128 }
            packets.forget()
        }
    }

    /// Passes one request of a fetch in protocol 2 on.
    /// - Returns: Whether the client has its answer; a sentence otherwise.
    func passOn(_ request: ByteBuffer) async throws -> Bool {
        let answer = try await post(.uploadPack, .v2, .bytes(request))
        guard answer.status == 200 else {
            try await operation.client.write(GitAnswer.error(try await Self.sentence(answer)))
            return false
        }
        try await answer.forEachPortion { try await operation.client.write($0) }
        return true
    }

    /// Gives the upstream's advertisement without the line that only HTTP has.
    /// - Returns: Whether there is one; the client has a sentence otherwise.
    private func advertise(_ service: GitService, _ version: GitProtocolVersion) async throws -> Bool {
        let answer = try await send("GET", "info/refs?service=\(service.rawValue)", version, [], nil)
        guard answer.status == 200 else {
            await operation.say(try await Self.sentence(answer))
            return false
        }
        var begin: PktLineParser? = PktLineParser()
        var hasLine = false
        try await answer.forEachPortion { portion in
            guard var parser = begin else { return try await operation.client.write(portion) }
            parser.feed(portion)
            while let packet = try parser.next() {
                if !hasLine, case .data(let payload) = packet,
                    payload.readableBytesView.starts(with: "# service=".utf8)
                {
                    hasLine = true
                    continue
                }
                begin = nil
                var rest = ByteBuffer()
                if !hasLine || packet != .flush { rest.writePktLine(packet) }
                rest.writeImmutableBuffer(parser.takeRemainder())
                return try await operation.client.write(rest)
            }
            begin = parser
        }
        return true
    }

    private func post(
        _ service: GitService, _ version: GitProtocolVersion, _ body: PassedRequest.Body
    ) async throws -> any PassedAnswer {
        try await send(
            "POST", service.rawValue, version, [("Content-Type", service.requestType)], body)
    }

    private func send(
        _ method: String, _ rest: String, _ version: GitProtocolVersion, _ headers: [(String, String)],
        _ body: PassedRequest.Body?
    ) async throws -> any PassedAnswer {
        var headers = headers
        if let asked = version.environmentValue {
            headers.append((HTTPField.Name.gitProtocol.canonicalName, asked))
        }
        return try await door.send(
            PassedRequest(
                method: method, target: address.target(rest), caller: .key(credentials), headers: headers,
                body: body),
            presence: operation.presence)
    }

    /// Whether the commands of a push have been read, with the options if there are any.
    private static func areComplete(_ packets: [PktLine]) -> Bool {
        guard packets.last == .flush else { return false }
        return packets.first == .flush || packets.count { $0 == .flush } == 2
            || !PushCapabilities(packets).words.contains("push-options")
    }

    /// What the upstream says instead of doing it.
    private static func sentence(_ answer: any PassedAnswer) async throws -> String {
        var text = ByteBuffer()
        try await answer.forEachPortion { portion in
            if text.readableBytes < 2000 { text.writeImmutableBuffer(portion) }
        }
        let line = String(decoding: text.readableBytesView.prefix(2000), as: UTF8.self)
            .split(whereSeparator: \.isNewline).first
        return line.map(String.init) ?? "The upstream answered with \(answer.status)."
    }
}
