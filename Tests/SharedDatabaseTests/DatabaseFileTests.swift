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

    @Test(
        arguments: [
            ("INSERT INTO person (name) VALUES ('ann')", .constraint(kind: .unique, detail: "person.name")),
            (
                "INSERT INTO person (id, name) VALUES (1, 'x')",
                .constraint(kind: .unique, detail: "person.id")
            ),
            ("INSERT INTO person (name) VALUES (NULL)", .constraint(kind: .notNull, detail: "person.name")),
            (
                "INSERT INTO person (name, age) VALUES ('x', -1)",
                .constraint(kind: .check, detail: "age >= 0")
            ),
            ("DELETE FROM person", .constraint(kind: .foreignKey, detail: "FOREIGN KEY constraint failed")),
            (
                "INSERT INTO thing (owner) VALUES (99)",
                .constraint(kind: .foreignKey, detail: "FOREIGN KEY constraint failed")
            ),
            (
                "SELECT * FROM nowhere",
                .statement(message: "no such table: nowhere", sql: "SELECT * FROM nowhere")
            ),
        ] as [(String, DatabaseError)])
    func `an error says what the database objected to`(sql: String, error: DatabaseError) async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            try await database.write { transaction in
                try transaction.execute("INSERT INTO person (name) VALUES ('ann')")
                try transaction.execute("INSERT INTO thing (owner) VALUES (1)")
            }
            await #expect(throws: error) { try await database.write { try $0.execute(sql) } }
        }
    }

    @Test func `when there is no room left nothing is changed, and with room work goes on`() async throws {
        try await TestFolder().withDatabase { database in
            try await database.migrate([people])
            try await database.write { transaction in
                let pages = try transaction.firstRow("PRAGMA page_count")?.integer("page_count") ?? 0
                _ = try transaction.rows("PRAGMA max_page_count = \(pages)")
            }
            await #expect(throws: DatabaseError.full) {
                try await database.write { transaction in
                    for number in 0..<1000 {
                        let name = "\(number)" + String(repeating: "x", count: 500)
                        try transaction.execute("INSERT INTO person (name) VALUES (?)", [.text(name)])
                    }
                }
            }
            #expect(try await count(database) == 0)
            try await database.write { _ = try $0.rows("PRAGMA max_page_count = 100000") }
            try await database.write { try $0.execute("INSERT INTO person (name) VALUES ('ann')") }
            #expect(try await count(database) == 1)
        }
    }

    private func count(_ database: SharedDatabase) async throws -> Int64? {
        try await database.read { try $0.firstRow("SELECT count(*) AS n FROM person")?.integer("n") }
    }
}
