/// One step in the life of the tables, in the words of both engines. It is never changed once released.
package struct Migration: Sendable {
    /// Unique over all modules, sorts by age within its module: `hosting-0001-users`.
    package let name: String
    /// SQLite's text: statements, each ended by a semicolon at the end of its line.
    package let sqlite: String
    /// PostgreSQL's text, likewise.
    package let postgres: String

    /// - Parameters:
    ///   - name: Unique over all modules.
    ///   - sqlite: Statements, each ended by a semicolon at the end of its line.
    ///   - postgres: Statements, likewise.
    package init(name: String, sqlite: String, postgres: String) {
        self.name = name
        self.sqlite = sqlite
        self.postgres = postgres
    }

    /// - Parameters:
    ///   - name: Unique over all modules.
    ///   - sqlite: A file's bytes, as embedded by the package manager.
    ///   - postgres: A file's bytes, as embedded by the package manager.
    package init(name: String, sqlite: [UInt8], postgres: [UInt8]) {
        self.init(
            name: name, sqlite: String(decoding: sqlite, as: UTF8.self),
            postgres: String(decoding: postgres, as: UTF8.self))
    }

    /// Whether a program that does not know of this step can go on working: it makes tables and indices, adds
    /// columns that may be left out, and leaves tables out of PostgreSQL's log, in either engine.
    var isAdditive: Bool {
        [sqlite, postgres].allSatisfy { text in
            let statements = Migration.statements(of: text).map { $0.uppercased() }
            let tables = statements.compactMap { Migration.name(in: $0, after: "CREATE TABLE") }
            return statements.allSatisfy { statement in
                if statement.hasPrefix("CREATE TABLE") || statement.hasPrefix("CREATE INDEX") { return true }
                if statement.hasPrefix("CREATE UNIQUE INDEX") {
                    return Migration.name(in: statement, after: " ON").map(tables.contains) ?? false
                }
                guard statement.hasPrefix("ALTER TABLE") else { return false }
                if statement.hasSuffix(" SET UNLOGGED;") { return true }
                guard statement.contains(" ADD COLUMN ") else { return false }
                return !statement.contains("NOT NULL") || statement.contains(" DEFAULT ")
            }
        }
    }

    /// The word that follows some others.
    private static func name(in statement: String, after words: String) -> String? {
        guard let range = statement.firstRange(of: words) else { return nil }
        return statement[range.upperBound...].split { $0.isWhitespace || $0 == "(" }.first.map(String.init)
    }

    /// Splits a text into statements, leaving out lines that are only comments.
    static func statements(of text: String) -> [String] {
        var statements: [String] = []
        var current: [Substring] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let bare = line.drop(while: \.isWhitespace)
            if bare.isEmpty || bare.hasPrefix("--") { continue }
            current.append(line)
            if line.reversed().first(where: { !$0.isWhitespace }) == ";" {
                statements.append(current.joined(separator: "\n"))
                current = []
            }
        }
        if !current.isEmpty { statements.append(current.joined(separator: "\n")) }
        return statements
    }
}
