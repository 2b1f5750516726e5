import Logging
import Portable
import Testing

@testable import PluginHost

@Suite struct PluginLogTests {
    private let lines = LogLines()
    private let start = ContinuousClock.now

    private func after(_ milliseconds: Int) -> ContinuousClock.Instant {
        start.advanced(by: .milliseconds(milliseconds))
    }

    @Test func `a flood is cut off within the second, and a line says how much was left out`() {
        let log = PluginLog(logger: lines.logger, linesPerSecond: 3)
        for number in 1...1_000_000 { log.write(.info, "line \(number)", now: start) }
        #expect(lines.messages == ["line 1", "line 2", "line 3"])
        #expect(log.dropped == 999_997)
        log.flush(now: after(999))
        #expect(lines.all.count == 3)
        log.flush(now: after(1_100))
        #expect(lines.messages.last == "log lines of this plugin were left out")
        #expect(lines.all.last?.metadata["lines"] == "999997")
        #expect(lines.all.last?.level == .warning)
        log.flush(now: after(2_300))
        log.write(.info, "later", now: after(2_400))
        #expect(lines.messages.suffix(1) == ["later"] && lines.all.count == 5)
    }

    @Test func `few lines that are large are a flood too`() {
        let log = PluginLog(logger: lines.logger, linesPerSecond: 100, bytesPerSecond: 20_000)
        let text = String(repeating: "x", count: 8_000)
        for _ in 1...5 { log.write(.info, text, now: start) }
        log.write(.info, "x", fields: ["key": "\(text)"], now: start)
        log.write(.info, "short", now: start)
        #expect(lines.messages == [text, text, "short"])
        #expect(log.dropped == 4)
    }

    @Test func `a message or field of more than 8 KiB is cut at a character, with a mark`() {
        let log = PluginLog(logger: lines.logger, linesPerSecond: 100)
        log.write(.info, "a" + String(repeating: "ä", count: 10_000_000 / 2), fields: ["f": "\(text(9_000))"])
        let message = lines.messages.first ?? ""
        #expect(message.utf8.count == 8_191)
        #expect(message.hasSuffix("ä ... (cut)") && !message.contains("\u{fffd}"))
        #expect(lines.all.first?.metadata["f"]?.description == text(8_182) + " ... (cut)")
    }

    @Test func `a refused permission is audited with its place, and a million of them are few lines`()
        async throws
    {
        let audit = LogLines()
        let test = try await TestHost(audit: audit.logger) { folder in
            try folder.write(
                "a.x",
                main: """
                    pcall(perigee.test.store, "k")
                    perigee.test.on("x:y", function()
                      for _ = 1, 500 do
                        pcall(function()
                          perigee.test.store("k")
                        end)
                      end
                    end)
                    """)
        }
        let first = try #require(audit.all.first)
        #expect(first.message == "permission denied" && first.level == .warning)
        #expect(first.metadata["plugin.id"] == "a.x" && first.metadata["function"] == "perigee.test.store")
        #expect(first.metadata["needs"] == #""kv": "1MiB""#)
        _ = await test.publish("x:y")
        #expect(audit.all.contains { $0.metadata["at"] == "main.lua:5" })
        #expect(audit.all.count < 100)
        #expect(
            await test.host.detail("a.x")?.statistics.hostCalls["perigee.test.store"] == ["denied": 501])
        await test.stop()
    }

    @Test func `the end of a quarantine is audited with who decided it`() async throws {
        let audit = LogLines()
        var ceilings = PluginCeilings()
        ceilings.handlerCPU = .milliseconds(30)
        ceilings.killsMax = 1
        let test = try await TestHost(ceilings: ceilings, audit: audit.logger) { folder in
            try folder.write("a.x", main: "perigee.test.on('x:y', function() while true do end end)")
        }
        _ = await test.publish("x:y")
        while audit.all.isEmpty { await Task.yield() }
        try await test.host.release("a.x", by: "anna")
        #expect(audit.messages == ["plugin quarantined", "plugin released"])
        #expect(audit.all.first?.metadata["reason"]?.description.contains("1 run was ended") == true)
        #expect(audit.all.last?.metadata["user"] == "anna")
        await test.stop()
    }

    private func text(_ count: Int) -> String { String(repeating: "x", count: count) }
}
