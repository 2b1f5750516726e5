package import Portable

/// A value that a statement takes as a parameter or gives in a column, in either engine.
///
/// Times are integers (milliseconds since 1970 by the database's clock), truth values the integers 0 and 1.
package enum DatabaseValue: Sendable, Hashable {
    /// No value.
    case null
    /// A whole number: `INTEGER` or `BIGINT`.
    case integer(Int64)
    /// A floating-point number: `REAL` or `DOUBLE PRECISION`.
    case real(Double)
    /// Text: `TEXT`. Without the character NUL, which is refused as a broken check constraint.
    case text(String)
    /// Bytes: `BLOB` or `BYTEA`.
    case blob([UInt8])

    /// The integer 1 or 0.
    package static func bool(_ value: Bool) -> DatabaseValue { .integer(value ? 1 : 0) }

    /// The number, or `NULL` when there is none.
    package init(_ number: Int64?) { self = number.map(DatabaseValue.integer) ?? .null }

    /// The text, or `NULL` when there is none.
    package init(_ text: String?) { self = text.map(DatabaseValue.text) ?? .null }

    /// The text, or `NULL` when there is none.
    package static func optional(_ text: String?) -> DatabaseValue { DatabaseValue(text) }

    /// The number, or `NULL` when there is none.
    package static func optional(_ number: Int64?) -> DatabaseValue { DatabaseValue(number) }

    /// The bytes, or `NULL` when there are none.
    package static func optional(_ bytes: [UInt8]?) -> DatabaseValue {
        bytes.map(DatabaseValue.blob) ?? .null
    }

    /// A typed identifier as a number, or `NULL` when there is none.
    package static func id<ID: NumericIdentifier>(_ id: ID?) -> DatabaseValue { DatabaseValue(id?.rawValue) }
}

extension DatabaseValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral
{
    /// `NULL`.
    package init(nilLiteral: ()) { self = .null }
    /// The integer 1 or 0.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A whole number.
    package init(integerLiteral value: Int64) { self = .integer(value) }
    /// A floating-point number.
    package init(floatLiteral value: Double) { self = .real(value) }
    /// Text.
    package init(stringLiteral value: String) { self = .text(value) }
}
