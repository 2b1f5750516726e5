package import Portable

/// One row of a result: values by column name, copied out of the database.
///
/// Column names count as the statement wrote them; name each column that you read, with `AS` for expressions.
package struct DatabaseRow: Sendable {
    /// Shared by all rows of one result.
    private let columns: [String]
    private let values: [DatabaseValue]

    init(columns: [String], values: [DatabaseValue]) {
        self.columns = columns
        self.values = values
    }

    /// The value of a column.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when the statement gives no such column.
    package func value(_ column: String) throws(DatabaseError) -> DatabaseValue {
        guard let index = columns.firstIndex(of: column) else {
            throw .column(name: column, problem: "is not in the result")
        }
        return values[index]
    }

    /// The whole number in a column.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when it is missing, `NULL` or of another type.
    package func integer(_ column: String) throws(DatabaseError) -> Int64 {
        try required(column, try optionalInteger(column))
    }

    /// The whole number in a column, or `nil` for `NULL`.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when it is missing or of another type.
    package func optionalInteger(_ column: String) throws(DatabaseError) -> Int64? {
        switch try value(column) {
        case .null: return nil
        case .integer(let number): return number
        case let other: throw mismatch(column, other, "a whole number")
        }
    }

    /// The number in a column; whole numbers are converted.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when it is missing, `NULL` or of another type.
    package func real(_ column: String) throws(DatabaseError) -> Double {
        switch try value(column) {
        case .real(let number): return number
        case .integer(let number): return Double(number)
        case let other: throw mismatch(column, other, "a number")
        }
    }

    /// The text in a column.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when it is missing, `NULL` or of another type.
    package func text(_ column: String) throws(DatabaseError) -> String {
        try required(column, try optionalText(column))
    }

    /// The text in a column, or `nil` for `NULL`.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when it is missing or of another type.
    package func optionalText(_ column: String) throws(DatabaseError) -> String? {
        switch try value(column) {
        case .null: return nil
        case .text(let text): return text
        case let other: throw mismatch(column, other, "text")
        }
    }

    /// The bytes in a column.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when it is missing, `NULL` or of another type.
    package func blob(_ column: String) throws(DatabaseError) -> [UInt8] {
        try required(column, try optionalBlob(column))
    }

    /// The bytes in a column, or `nil` for `NULL`.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when it is missing or of another type.
    package func optionalBlob(_ column: String) throws(DatabaseError) -> [UInt8]? {
        switch try value(column) {
        case .null: return nil
        case .blob(let bytes): return bytes
        case let other: throw mismatch(column, other, "bytes")
        }
    }

    /// The truth value in a column.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when it is missing or neither 0 nor 1.
    package func bool(_ column: String) throws(DatabaseError) -> Bool {
        switch try value(column) {
        case .integer(0): return false
        case .integer(1): return true
        case let other: throw mismatch(column, other, "0 or 1")
        }
    }

    /// The typed identifier in a column.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when it is missing, `NULL` or of another type.
    package func id<ID: NumericIdentifier>(
        _ column: String, as type: ID.Type = ID.self
    ) throws(DatabaseError) -> ID {
        ID(rawValue: try integer(column))
    }

    /// The typed identifier in a column, or `nil` for `NULL`.
    /// - Throws: ``DatabaseError/column(name:problem:)`` when it is missing or of another type.
    package func optionalID<ID: NumericIdentifier>(
        _ column: String, as type: ID.Type = ID.self
    ) throws(DatabaseError) -> ID? {
        try optionalInteger(column).map(ID.init(rawValue:))
    }

    private func required<V>(_ column: String, _ value: V?) throws(DatabaseError) -> V {
        guard let value else { throw .column(name: column, problem: "is NULL") }
        return value
    }

    private func mismatch(_ column: String, _ value: DatabaseValue, _ expected: String) -> DatabaseError {
        let kind =
            switch value {
            case .null: "NULL"
            case .integer(let number): "the number \(number)"
            case .real: "a floating-point number"
            case .text: "text"
            case .blob: "bytes"
            }
        return .column(name: column, problem: "is \(kind), not \(expected)")
    }
}
