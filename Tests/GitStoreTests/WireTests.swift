import GitStore
import NIOCore
import Testing

@Suite struct WireTests {
    private static let report: ByteBuffer = {
        var report = ByteBuffer()
        report.writePktLine("unpack ok\n")
        report.writePktLine("ok refs/heads/main\n")
        report.writePktLine("ng refs/heads/other non-fast-forward: too old\n")
        report.writePktLine("option refname refs/heads/other\n")
        report.writePktLine(.flush)
        return report
    }()

    private static let parsed = PushReport(lines: [
        .init(ref: "refs/heads/main", outcome: .ok),
        .init(ref: "refs/heads/other", outcome: .refused(reason: "non-fast-forward: too old")),
    ])

    /// Bytes of a push's answer with a side band: what goes on at once, and what is held.
    private static let sideBand: (all: ByteBuffer, forward: ByteBuffer, held: ByteBuffer) = {
        var (all, forward, held) = (ByteBuffer(), ByteBuffer(), ByteBuffer())
        func add(_ band: UInt8, _ payload: ByteBuffer) {
            var packet = ByteBuffer(bytes: [band])
            packet.writeImmutableBuffer(payload)
            all.writePktLine(.data(packet))
            if band == 1 { held.writePktLine(.data(packet)) } else { forward.writePktLine(.data(packet)) }
        }
        add(2, ByteBuffer(string: "Resolving deltas: 1%\r"))
        add(2, ByteBuffer())
        add(1, report.getSlice(at: 0, length: 17) ?? ByteBuffer())
        add(2, ByteBuffer(string: "hello from a hook\n"))
        add(1, report.getSlice(at: 17, length: report.readableBytes - 17) ?? ByteBuffer())
        add(3, ByteBuffer(string: "a late word\n"))
        all.writePktLine(.flush)
        held.writePktLine(.flush)
        return (all, forward, held)
    }()

    private static func portions(of bytes: ByteBuffer, seed: UInt64) -> [ByteBuffer] {
        var random = SeededRandom(state: seed)
        var rest = bytes
        var portions: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            let count = Int.random(
                in: 0...min(rest.readableBytes, seed.isMultiple(of: 3) ? 2 : 40), using: &random)
            portions.append(rest.readSlice(length: count) ?? ByteBuffer())
        }
        return portions
    }

    @Test(arguments: UInt64(0)..<60)
    func packetsAreTheSameHoweverTheyArrive(seed: UInt64) throws {
        var bytes = ByteBuffer()
        let packets: [PktLine] = [
            .data(ByteBuffer(string: "command=fetch\n")), .delimiter, .data(ByteBuffer()), .flush,
            .responseEnd,
            .data(ByteBuffer(repeating: 0x41, count: PktLine.payloadBytesMax)), .flush,
        ]
        for packet in packets { bytes.writePktLine(packet) }
        var parser = PktLineParser()
        var parsed: [PktLine] = []
        let portions = seed == 0 ? [bytes] : Self.portions(of: bytes, seed: seed)
        for portion in portions {
            parser.feed(portion)
            while let packet = try parser.next() { parsed.append(packet) }
        }
        #expect(parsed == packets)
        #expect(parser.pendingBytes == 0)
    }

    @Test(arguments: ["0003", "zzzz", "fff1", "ffff", "-001", "+004", " 004", "00 4", "\u{0}\u{0}\u{0}\u{0}"])
    func whatIsNoPacketEndsTheParseForGood(text: String) {
        var parser = PktLineParser()
        parser.feed(ByteBuffer(string: text + "0000"))
        #expect(throws: GitStoreError.self) { try parser.next() }
        parser.feed(ByteBuffer(string: "0000"))
        #expect(throws: GitStoreError.self) { try parser.next() }
    }

    @Test func upperCaseLengthsAreRead() throws {
        var parser = PktLineParser()
        parser.feed(ByteBuffer(string: "000Aworld!"))
        #expect(try parser.next() == .data(ByteBuffer(string: "world!")))
    }

    @Test func aReportIsRead() throws {
        #expect(try PushReport.parse(Self.report) == Self.parsed)
        #expect(Self.parsed.accepted == ["refs/heads/main"])
        var failed = ByteBuffer()
        failed.writePktLine("unpack index-pack abnormal exit\n")
        failed.writePktLine("ng refs/heads/main unpacker error\n")
        failed.writePktLine(.flush)
        #expect(try PushReport.parse(failed).unpackError == "index-pack abnormal exit")
        #expect(try PushReport.parse(failed).accepted == [])
    }

    @Test func whatIsNoReportIsAnError() {
        for lines in [
            ["ok refs/heads/main\n"], ["unpack\n"], ["unpack ok\n", "what now\n"], ["unpack ok\n", "ng x\n"],
        ] {
            var bytes = ByteBuffer()
            for line in lines { bytes.writePktLine(line) }
            bytes.writePktLine(.flush)
            #expect(throws: GitStoreError.self) { try PushReport.parse(bytes) }
        }
        for length in 0..<Self.report.readableBytes {
            let part = Self.report.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect(throws: GitStoreError.self) { try PushReport.parse(part) }
        }
    }

    @Test(arguments: UInt64(0)..<80)
    func theRelayForwardsMessagesAndHoldsTheReportHoweverTheyArrive(seed: UInt64) throws {
        var relay = ReportRelay()
        var forwarded = ByteBuffer()
        let portions = seed == 0 ? [Self.sideBand.all] : Self.portions(of: Self.sideBand.all, seed: seed)
        for portion in portions {
            var now = try relay.feed(portion)
            forwarded.writeBuffer(&now)
        }
        let (held, report) = relay.finish()
        #expect(forwarded == Self.sideBand.forward)
        #expect(held == Self.sideBand.held)
        #expect(report == Self.parsed)
    }

    @Test(arguments: UInt64(0)..<40)
    func withoutASideBandTheRelayHoldsEverything(seed: UInt64) throws {
        var relay = ReportRelay()
        for portion in Self.portions(of: Self.report, seed: seed) {
            #expect(try relay.feed(portion).readableBytes == 0)
        }
        let (held, report) = relay.finish()
        #expect(held == Self.report)
        #expect(report == Self.parsed)
    }

    @Test func anAnswerThatEndsEarlyGivesItsBytesButNoReport() throws {
        for length in 0..<Self.sideBand.all.readableBytes - 4 {
            var relay = ReportRelay()
            var bytes = try relay.feed(Self.sideBand.all.getSlice(at: 0, length: length) ?? ByteBuffer())
            let (held, report) = relay.finish()
            bytes.writeImmutableBuffer(held)
            #expect(bytes.readableBytes == length)
            if length < 150 { #expect(report == nil) }
        }
    }

    @Test func anUnknownBandIsAnError() throws {
        var relay = ReportRelay()
        _ = try relay.feed(Self.sideBand.all)
        #expect(throws: GitStoreError.self) { try relay.feed(ByteBuffer(string: "0006\u{4}x")) }
    }
}

/// A small generator whose sequence a seed fixes.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
