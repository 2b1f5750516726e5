import CPostgres

/// One answer of the server, which it keeps until it goes.
final class PostgresResult {
    private let result: OpaquePointer

    /// Takes the answer over.
    init(_ result: OpaquePointer) { self.result = result }

    deinit { PQclear(result) }

    var status: ExecStatusType { PQresultStatus(result) }

    /// How many rows were changed; 0 for what changes none.
    var changedRows: Int {
        let command = String(cString: PQcmdStatus(result))
        guard ["INSERT", "UPDATE", "DELETE", "MERGE"].contains(where: command.hasPrefix) else { return 0 }
        return Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    /// What the server objects to.
    var refusal: PostgresRefusal? {
        switch status {
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR:
            PostgresRefusal(
                state: field("C") ?? "", message: field("M") ?? errorMessage, detail: field("D"),
                table: field("t"), column: field("c"), constraint: field("n"))
        default: nil
        }
    }

    /// Copies the rows out.
    func rows(limit: Int?, sql: String) throws(DatabaseError) -> [DatabaseRow] {
        let width = PQnfields(result)
        let columns = (0..<width).map { String(cString: PQfname(result, $0)) }
        let count = min(PQntuples(result), Int32(clamping: limit ?? .max))
        var rows: [DatabaseRow] = []
        rows.reserveCapacity(Int(count))
        for row in 0..<count {
            var values: [DatabaseValue] = []
            values.reserveCapacity(Int(width))
            for column in 0..<width { values.append(try value(row, column, columns, sql)) }
            rows.append(DatabaseRow(columns: columns, values: values))
        }
        return rows
    }

    /// The first row's values; none when there is no row.
    func firstRow() -> [DatabaseValue] {
        guard PQntuples(result) > 0 else { return [] }
        let width = PQnfields(result)
        let columns = (0..<width).map { String(cString: PQfname(result, $0)) }
        return (0..<width).map { column in (try? value(0, column, columns, "")) ?? .null }
    }

    private func value(
        _ row: Int32, _ column: Int32, _ columns: [String], _ sql: String
    ) throws(DatabaseError) -> DatabaseValue {
        guard PQgetisnull(result, row, column) == 0 else { return .null }
        let bytes = UnsafeRawBufferPointer(
            start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
        let type = PQftype(result, column)
        guard let value = DatabaseValue(type: type, bytes: bytes) else {
            throw .column(name: columns[Int(column)], problem: "is of PostgreSQL's type \(type)")
        }
        return value
    }

    private var errorMessage: String {
        String(cString: PQresultErrorMessage(result)).trimmed
    }

    private func field(_ code: Character) -> String? {
        guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else {
            return nil
        }
        return String(cString: text)
    }
}

extension String {
    /// Without the blanks and line ends that libpq's messages end in; on one line.
    var trimmed: String {
        split(whereSeparator: \.isNewline).map { line in
            String(line.drop(while: \.isWhitespace))
        }.joined(separator: "; ")
    }
}
