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
