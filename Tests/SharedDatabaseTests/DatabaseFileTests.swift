import FoundationEssentials
import SharedDatabase
import Testing

@Suite struct DatabaseFileTests {
    @Test func `what was written is there after closing, and nobody else may read it`() async throws {
        let folder = try TestFolder()
        try await folder.withDatabase { database in
            try await database.migrate([people])
            try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('ann')") }
        }
        #expect(try folder.files == ["perigee.sqlite"])
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let name = try await folder.withDatabase { database in
            try await database.read { try $0.firstRow("SELECT name FROM person")?.text("name") }
        }
        #expect(name == "ann")
    }

    @Test func `commits are synced in full, to a write-ahead log, with foreign keys checked`() async throws {
        try await TestFolder().withDatabase { database in
            let settings = try await database.write { transaction in
                try [
                    transaction.firstRow("PRAGMA synchronous")?.integer("synchronous"),
                    transaction.firstRow("PRAGMA foreign_keys")?.integer("foreign_keys"),
                ]
            }
            #expect(settings == [2, 1])
            let mode = try await database.read {
                try $0.firstRow("PRAGMA journal_mode")?.text("journal_mode")
            }
            #expect(mode == "wal")
        }
    }

    @Test(arguments: [
        [], Array("garbage".utf8), [UInt8](repeating: 0x42, count: 5000), Array("SQLite format 3\0".utf8),
    ])
    func `a file that is no database is refused by its name and left byte for byte`(content: [UInt8]) throws {
        let folder = try TestFolder()
        try folder.write(content)
        let error = #expect(throws: DatabaseError.self) { try folder.open() }
        guard case .corrupt(folder.file, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.description.contains("\"\(folder.file)\"") == true)
        #expect(error?.description.contains("restore it from a backup") == true)
        #expect(try folder.bytes() == content)
        #expect(try folder.files == ["perigee.sqlite"])
    }

    @Test func `the database of another program is refused and left byte for byte`() async throws {
        let folder = try TestFolder()
        try await folder.withDatabase { try await $0.migrate([people]) }
        var content = try folder.bytes()
        content.replaceSubrange(68..<72, with: [0, 0, 0, 9])
        try folder.write(content)
        let reason = "it is the database of another program"
        #expect(throws: DatabaseError.corrupt(path: folder.file, reason: reason)) { try folder.open() }
        #expect(try folder.bytes() == content)
    }

    @Test func `a database with destroyed pages is refused`() async throws {
        let folder = try TestFolder()
        try await folder.withDatabase { try await $0.migrate([people]) }
        var content = try folder.bytes()
        content.replaceSubrange(200..., with: [UInt8](repeating: 0xee, count: content.count - 200))
        try folder.write(content)
        let error = #expect(throws: DatabaseError.self) { try folder.open() }
        guard case .corrupt(folder.file, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a file that is gone while its log is still there is not made anew`() throws {
        let folder = try TestFolder()
        try Data("x".utf8).write(to: URL(filePath: folder.file + "-wal"))
        #expect(throws: DatabaseError.self) { try folder.open() }
        #expect(try folder.files == ["perigee.sqlite-wal"])
    }

    @Test func `a draft left by a start that was cut short does not matter`() async throws {
        let folder = try TestFolder()
        try Data("half".utf8).write(to: URL(filePath: folder.file + ".new"))
        try await folder.withDatabase { try await $0.migrate([people]) }
        #expect(try folder.files == ["perigee.sqlite"])
    }

    @Test func `a folder in the file's place and a folder that is missing are refused`() throws {
        let folder = try TestFolder()
        try FileManager.default.createDirectory(atPath: folder.file, withIntermediateDirectories: false)
        #expect(throws: DatabaseError.self) { try folder.open() }
        try FileManager.default.removeItem(atPath: folder.path)
        let error = #expect(throws: DatabaseError.self) { try folder.open() }
        guard case .unavailable(let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains(folder.file))
    }
}
