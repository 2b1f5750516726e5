import Foundation
import Glibc
import Logging
import Observability
import Testing

@Suite struct ObservabilityLogTests {
    /// A log folder of its own, removed at the end.
    private final class LogFolder {
        let path = NSTemporaryDirectory() + "perigee-log-\(UUID().uuidString)/log"
        var file: String { path + "/perigee.log" }

        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit {
            try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
        }

        func system(
            level: Logger.Level = .info, levels: [String: Logger.Level] = [:], bytesMax: Int = 1 << 30,
            kept: Int = 5
        ) -> LogSystem {
            LogSystem(
                configuration: LogConfiguration(
                    directory: path, standardError: false, defaultLevel: level, levels: levels,
                    fileBytesMax: bytesMax,
                    filesKept: kept))
        }

        func lines(_ name: String = "perigee.log") throws -> [String] {
            let text = try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
            return text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
        }

        /// The lines without their time.
        func messages() throws -> [String] { try lines().map { String($0.dropFirst(25)) } }
    }

    @Test func `a line has a time, a level, a name, a message and sorted metadata`() throws {
        let folder = try LogFolder()
        let system = folder.system()
        var logger = system.logger("perigee.git")
        logger[metadataKey: "request.id"] = "r1"
        logger.info("push accepted", metadata: ["repository.id": "7", "branch": "feature x", "empty": ""])
        logger.warning("slow")
        system.flush()
        let time = #/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /#
        #expect(try folder.lines().allSatisfy { $0.starts(with: time) })
        #expect(
            try folder.messages() == [
                #"INFO  perigee.git push accepted branch="feature x" empty="" repository.id=7 request.id=r1"#,
                "WARN  perigee.git slow request.id=r1",
            ])
    }

    @Test func `no text can forge a line, a key or a terminal's command`() throws {
        let folder = try LogFolder()
        let system = folder.system()
        let evil = "x\r\n2026-01-01T00:00:00.000Z INFO  perigee forged\u{1b}[2J\u{85}\u{2028}\u{202e}\u{7f}"
        system.logger("perigee\nforged").info(
            "\(evil)", metadata: ["name": "\(evil)", "a=b c": "\"q\" \\ d=e", "ok": "ä/b"])
        system.flush()
        let lines = try folder.lines()
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        #expect(line.unicodeScalars.allSatisfy { !$0.properties.isPatternWhitespace || $0 == " " })
        #expect(
            line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && $0.value != 0x202e }
        )
        #expect(line.contains(#"perigee\nforged x\r\n2026"#))
        #expect(line.contains(#"forged\u{1b}[2J\u{85}\u{2028}\u{202e}\u{7f}"#))
        #expect(line.hasSuffix(#" ok=ä/b"#))
        #expect(line.contains(#" "a=b c"="\"q\" \\ d=e""#))
    }

    @Test func `a very long text is cut and says so`() throws {
        let folder = try LogFolder()
        let system = folder.system()
        system.logger("perigee").info("\(String(repeating: "ä", count: 10_000))")
        system.flush()
        let line = try #require(try folder.lines().first)
        #expect(line.hasSuffix("ä...(11808 bytes more)"))
    }

    @Test func `a level holds for the names below it until a nearer one is set`() throws {
        let system = try LogFolder().system(
            level: .warning, levels: ["perigee": .info, "perigee.plugin.mirror": .trace])
        #expect(system.level(logger: "other") == .warning)
        #expect(system.level(logger: "perigee") == .info)
        #expect(system.level(logger: "perigee.git.http") == .info)
        #expect(system.level(logger: "perigeeX") == .warning)
        #expect(system.level(logger: "perigee.plugin.mirror.x") == .trace)
        system.setLevel(.error, logger: "root")
        #expect(system.level(logger: "other") == .error)
        #expect(system.levels() == ["ROOT": .error, "perigee": .info, "perigee.plugin.mirror": .trace])
        system.setLevel(nil, logger: "perigee")
        #expect(system.level(logger: "perigee.git") == .error)
    }

    @Test func `levels change while running, also for loggers that exist`() throws {
        let folder = try LogFolder()
        let system = folder.system()
        let logger = system.logger("perigee.git")
        logger.debug("one")
        system.setLevel(.debug, logger: "perigee")
        logger.debug("two")
        system.setLevel(.error, logger: "perigee.git")
        logger.warning("three")
        system.setLevel(nil, logger: "perigee.git")
        logger.debug("four")
        system.flush()
        #expect(try folder.messages() == ["DEBUG perigee.git two", "DEBUG perigee.git four"])
    }

    @Test(
        arguments: [
            ("DEBUG", .debug), ("warn", .warning), ("WARNING", .warning), ("Trace", .trace),
            ("critical", .critical), ("loud", nil), ("", nil),
        ] as [(String, Logger.Level?)])
    func `levels have the names that operators know`(name: String, level: Logger.Level?) {
        #expect(Logger.Level(name: name) == level)
        if let level { #expect(Logger.Level(name: level.name) == level) }
    }

    @Test func `a full file is renamed and the oldest is removed, no line is lost between`() throws {
        let folder = try LogFolder()
        let system = folder.system(bytesMax: 1000, kept: 3)
        let logger = system.logger("perigee")
        for number in 0..<100 {
            logger.info("line \(number)")
            system.flush()
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names == ["perigee.log", "perigee.log.1", "perigee.log.2", "perigee.log.3"])
        for name in names {
            let size =
                try FileManager.default.attributesOfItem(atPath: "\(folder.path)/\(name)")[.size] as? Int
            #expect(try #require(size) <= 1000)
        }
        let all = try names.reversed().flatMap { try folder.lines($0) }
        let numbers = all.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(numbers == Array((numbers.first ?? 0)..<100))
    }

    @Test func `a file that somebody removed is begun anew`() throws {
        let folder = try LogFolder()
        let system = folder.system()
        let logger = system.logger("perigee")
        logger.info("one")
        system.flush()
        try FileManager.default.removeItem(atPath: folder.file)
        logger.info("two")
        system.flush()
        #expect(try folder.messages() == ["INFO  perigee two"])
    }

    @Test func `a second system appends to the file`() throws {
        let folder = try LogFolder()
        for number in 1...2 {
            let system = folder.system()
            system.logger("perigee").info("\(number)")
            system.flush()
        }
        #expect(try folder.messages() == ["INFO  perigee 1", "INFO  perigee 2"])
    }

    @Test func `a file that cannot be written stops nobody and is counted`() throws {
        let folder = try LogFolder()
        try FileManager.default.createDirectory(atPath: folder.file, withIntermediateDirectories: false)
        let system = folder.system()
        for number in 0..<3 { system.logger("perigee").info("\(number)") }
        system.flush()
        #expect(system.droppedCount == 3)
    }

    @Test func `a disk that hangs stops nobody, and lines beyond four mebibytes are dropped and counted`()
        throws
    {
        let folder = try LogFolder()
        // Opening a pipe to write waits until somebody opens it to read: a disk that hangs.
        try #require(mkfifo(folder.file, 0o600) == 0)
        let system = folder.system()
        let logger = system.logger("perigee")
        let text = String(repeating: "x", count: 8000)
        for _ in 0..<1000 { logger.info("\(text)") }
        #expect(system.droppedCount > 0)
        let reader = open(folder.file, O_RDONLY)
        try #require(reader >= 0)
        defer { close(reader) }
        var tail: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !String(decoding: tail, as: UTF8.self).contains("log lines dropped") {
            let count = read(reader, &buffer, buffer.count)
            try #require(count > 0)
            tail = Array((tail + buffer.prefix(count)).suffix(16_384))
        }
        system.flush()
        #expect(String(decoding: tail, as: UTF8.self).contains("dropped=\(system.droppedCount)"))
    }
}
