package import NIOCore

extension GitStore {
    /// Asks `git upload-pack` at the other end of a line for one pack, and gives it as it comes.
    ///
    /// The program `ssh` is ended when the task is cancelled, when `body` throws, and when it takes too long.
    /// - Parameter path: Of the repository there.
    /// - Parameter body: Takes a part of the pack; false when no more is wanted.
    /// - Throws: ``SSHFailure``; what `body` throws.
    package func fetchPack(
        _ request: PackRequest, of path: String, over line: SSHLine, timeout: Duration,
        to body: (ByteBuffer) async throws -> Bool
    ) async throws {
        let process = try startSSH(line, "git-upload-pack '\(path)'")
        let alarm = Task {
            try await Task.sleep(for: timeout)
            process.terminate()
        }
        defer { alarm.cancel() }
        let outcome: PackConversation.Turn
        do {
            outcome = try await process.run { try await Self.converse($0, request, body) }
        } catch let error as GitStoreError {
            guard case .malformedPacket(let reason) = error else { throw error }
            throw SSHFailure(.refused, at: line.shown, reason)
        }
        switch outcome {
        case .over: return
        case .refused(let text):
            let said = RemoteComplaint.cut(text.filter { !$0.isNewline }, toBytes: 600)
            throw SSHFailure(.refused, at: line.shown, said)
        default:
            let status = await process.waitForExit()
            throw SSHFailure(status, process.standardErrorText, at: line.shown)
        }
    }

    /// Logs in, and out again.
    /// - Returns: What the server says to who asks for nothing.
    /// - Throws: ``SSHFailure``.
    package static func greet(over line: SSHLine, group: any EventLoopGroup) async throws -> String {
        let process = try startSSH(line, nil, group)
        let said = try await process.run { process in
            process.finishInput()
            process.discardOutput()
            await process.waitForExit()
            return process.standardErrorText
        }
        let status = await process.waitForExit()
        guard status != .exited(255), case .exited = status else {
            throw SSHFailure(status, said, at: line.shown)
        }
        return said
    }

    private func startSSH(_ line: SSHLine, _ command: String) throws -> GitProcess {
        try Self.startSSH(line, command, configuration.eventLoopGroup)
    }

    private static func startSSH(
        _ line: SSHLine, _ command: String?, _ group: any EventLoopGroup
    ) throws -> GitProcess {
        guard let program = SSHLine.program else {
            throw SSHFailure(.program, at: line.shown, "there is no program ssh")
        }
        return try GitProcess(
            name: "ssh", executable: program, arguments: line.arguments(command),
            environment: SSHLine.environment, group: group)
    }

    /// - Returns: How far it went; `listen` when the server fell silent before its end.
    private static func converse(
        _ process: GitProcess, _ request: PackRequest, _ body: (ByteBuffer) async throws -> Bool
    ) async throws -> PackConversation.Turn {
        var parser = PktLineParser()
        var conversation = PackConversation()
        for try await portion in process.output {
            parser.feed(portion)
            while let packet = try parser.next() {
                switch try conversation.take(packet) {
                case .listen: continue
                case .ask: await process.write(request.packets)
                case .pack(let bytes):
                    guard try await !body(bytes) else { continue }
                    process.terminate()
                    return .over
                case .over: return .over
                case .refused(let text): return .refused(text)
                }
            }
        }
        return .listen
    }
}
