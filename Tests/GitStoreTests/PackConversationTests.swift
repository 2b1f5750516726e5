import NIOCore
import Testing

@testable import GitStore

/// What is said to `git upload-pack` over SSH, and what its answers mean.
@Suite struct PackConversationTests {
    private static func data(_ text: String) -> PktLine { .data(ByteBuffer(string: text)) }

    private static func turns(_ packets: [PktLine]) throws -> [PackConversation.Turn] {
        var conversation = PackConversation()
        return try packets.map { try conversation.take($0) }.filter { $0 != .listen }
    }

    private static let greeting = [data("version 2\n"), data("agent=git/2.39\n"), data("fetch\n"), .flush]

    @Test func `a pack comes after the greeting, in parts of the first band`() throws {
        let answer =
            Self.greeting + [
                Self.data("packfile\n"), Self.data("\u{2}Counting"), Self.data("\u{1}PACK"),
                Self.data("\u{1}"),
                Self.data("\u{1}rest"), .flush,
            ]
        let pack = ["PACK", "rest"].map { PackConversation.Turn.pack(ByteBuffer(string: $0)) }
        #expect(try Self.turns(answer) == [.ask] + pack + [.over])
    }

    @Test func `what is no pack is a sentence or an error`() throws {
        let refused = PackConversation.Turn.refused("upload-pack: not our ref")
        #expect(
            try Self.turns(Self.greeting + [Self.data("ERR upload-pack: not our ref")]) == [.ask, refused])
        let late = Self.greeting + [Self.data("packfile\n"), Self.data("\u{3}gone")]
        #expect(try Self.turns(late) == [.ask, .refused("gone")])
        // A pack may hold any bytes, and these are none of a band.
        #expect(throws: GitStoreError.self) {
            try Self.turns(Self.greeting + [Self.data("packfile\n"), Self.data("ERR x")])
        }
        let version0 = Self.data("\(String(repeating: "0", count: 40)) refs/heads/main\0side-band-64k\n")
        #expect(throws: GitStoreError.self) { try Self.turns([version0]) }
        for section in ["acknowledgments\n", "shallow-info\n", "packfile-uris\n"] {
            #expect(throws: GitStoreError.self) { try Self.turns(Self.greeting + [Self.data(section)]) }
        }
    }

    @Test func `git answers what is asked`() async throws {
        let fixture = try await Fixture()
        try await fixture.pushCommits(2)
        let (first, second) = (try await fixture.id("main~1"), try await fixture.id("main"))
        let process = try fixture.store.uploadPackStream(in: fixture.path, protocolVersion: "version=2")
        let request = PackRequest(wants: [second], haves: [first])
        var conversation = PackConversation()
        var parser = PktLineParser()
        var pack = ByteBuffer()
        try await process.run { process in
            for try await portion in process.output {
                parser.feed(portion)
                while let packet = try parser.next() {
                    switch try conversation.take(packet) {
                    case .ask: await process.write(request.packets)
                    case .pack(let part): pack.writeImmutableBuffer(part)
                    case .over: return process.finishInput()
                    case .listen: continue
                    case .refused(let text): Issue.record("\(text)")
                    }
                }
            }
        }
        #expect(pack.getString(at: 0, length: 4) == "PACK")
        // A commit, its tree and its file, and nothing of the first.
        #expect(pack.getInteger(at: 8, as: UInt32.self) == 3)
    }

    @Test(arguments: [
        ("Host key verification failed.", Int32(255), SSHFailure.Kind.hostKey),
        ("git@host: Permission denied (publickey).", 255, .key),
        ("ssh: connect to host h port 1: Connection refused", 255, .unreachable),
        ("ssh: Could not resolve hostname h: Name or service not known", 255, .unreachable),
        ("kex_exchange_identification: Connection closed by remote host", 255, .unreachable),
        ("No user exists for uid 4711", 255, .program), ("", 255, .unreachable),
        ("Permission denied: no such repository", 128, .refused),
    ])
    func `the end of ssh is told apart`(text: String, status: Int32, kind: SSHFailure.Kind) {
        let failure = SSHFailure(.exited(status), text, at: "host:22")
        #expect(failure.kind == kind)
        #expect("\(failure)".contains(text), "\(failure)")
    }

    @Test func `a line says all that a configuration could say`() throws {
        let line = try SSHLine(base: "ssh://[::1]:7999", keyFile: "/a b/key", hostsFile: "/a b/hosts")
        #expect(line.shown == "[::1]:7999")
        let arguments = line.arguments("git-upload-pack '/mirrored/1'")
        #expect(arguments.starts(with: ["-F", "/dev/null"]) && arguments.suffix(3).first == "--")
        #expect(arguments.contains("IdentityFile=\"/a b/key\""))
        for path in ["relative", "/a\"b", "/a%h", "/a\nb", "/a${HOME}"] {
            #expect(throws: GitStoreError.self) {
                try SSHLine(base: "ssh://host", keyFile: path, hostsFile: "/hosts")
            }
        }
    }
}
