/// A table as SQLite describes it, with the statements that move it.
struct MovedTable: Sendable {
    let name: String
    let columns: [String]
    /// The columns of the primary key, in its order.
    let keys: [String]
    /// The tables that its rows refer to.
    let references: Set<String>

    /// All tables but those that a database keeps about itself.
    static func all(in transaction: DatabaseTransaction) throws -> [MovedTable] {
        let names = try transaction.rows(
            """
            SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            AND name NOT IN ('schema_migration', 'schema_additive') ORDER BY name
            """
        ).map { try $0.text("name") }
        return try names.map { name in
            let columns = try transaction.rows("SELECT name, pk FROM pragma_table_info(?)", [.text(name)])
            let keys = try columns.filter { try $0.integer("pk") > 0 }
                .sorted { try $0.integer("pk") < $1.integer("pk") }
            guard !keys.isEmpty else {
                throw DatabaseMoveError.table(name: name, reason: "it has no primary key")
            }
            let references = try transaction.rows(
                "SELECT \"table\" AS name FROM pragma_foreign_key_list(?)", [.text(name)])
            return MovedTable(
                name: name, columns: try columns.map { try $0.text("name") },
                keys: try keys.map { try $0.text("name") },
                references: Set(try references.map { try $0.text("name") }).subtracting([name]))
        }
    }

    /// The tables in an order in which each comes after those that it refers to.
    static func ordered(_ tables: [MovedTable]) throws(DatabaseMoveError) -> [MovedTable] {
        var waiting = tables
        var ordered: [MovedTable] = []
        while let first = waiting.first {
            let done = Set(ordered.map(\.name))
            let ready = waiting.filter { $0.references.isSubset(of: done) }
            guard !ready.isEmpty else {
                throw .table(name: first.name, reason: "it and others refer to each other")
            }
            ordered += ready
            let names = Set(ready.map(\.name))
            waiting.removeAll { names.contains($0.name) }
        }
        return ordered
    }

    var insertion: String {
        let marks = columns.map { _ in "?" }.joined(separator: ", ")
        let list = columns.joined(separator: ", ")
        return "INSERT INTO \(name) (\(list)) OVERRIDING SYSTEM VALUE VALUES (\(marks))"
    }

    var lookUp: String {
        let condition = keys.map { "\($0) = ?" }.joined(separator: " AND ")
        return "SELECT \(columns.joined(separator: ", ")) FROM \(name) WHERE \(condition)"
    }

    func page(isFirst: Bool, limit: Int) -> String {
        let list = keys.joined(separator: ", ")
        let marks = keys.map { _ in "?" }.joined(separator: ", ")
        let condition = isFirst ? "" : " WHERE (\(list)) > (\(marks))"
        return
            "SELECT \(columns.joined(separator: ", ")) FROM \(name)\(condition) ORDER BY \(list) "
            + "LIMIT \(limit)"
    }

    /// The values of the primary key in a row.
    func keyValues(of row: [DatabaseValue]) -> [DatabaseValue] {
        keys.compactMap { key in columns.firstIndex(of: key).map { row[$0] } }
    }

    /// The primary key for messages.
    func key(of row: [DatabaseValue]) -> String {
        keyValues(of: row).map { value in
            switch value {
            case .null: "NULL"
            case .integer(let number): "\(number)"
            case .real(let number): "\(number)"
            case .text(let text): text
            case .blob(let bytes): "\(bytes.count) bytes"
            }
        }.joined(separator: "/")
    }
}
