/// A parameter in the binary form in which it is sent.
struct PostgresParameter {
    /// The type's number in PostgreSQL's catalogue; 0 leaves it to the statement.
    let type: UInt32
    /// `nil` for NULL.
    let bytes: [UInt8]?

    init(_ value: DatabaseValue) throws(DatabaseError) {
        switch value {
        case .null: (type, bytes) = (0, nil)
        case .integer(let number):
            (type, bytes) = (PostgresType.int8, PostgresParameter.bytes(UInt64(bitPattern: number)))
        case .real(let number):
            (type, bytes) = (PostgresType.float8, PostgresParameter.bytes(number.bitPattern))
        case .text(let text):
            guard !text.utf8.contains(0) else {
                throw .constraint(kind: .check, detail: "a text holds the character NUL")
            }
            (type, bytes) = (PostgresType.text, Array(text.utf8))
        case .blob(let blob): (type, bytes) = (PostgresType.bytea, blob)
        }
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }
}

/// The types whose values this program sends and reads.
/// - Source: PostgreSQL 15, `pg_type.dat`.
enum PostgresType {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let char: UInt32 = 18
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let unknown: UInt32 = 705
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let numeric: UInt32 = 1700
    static let void: UInt32 = 2278
}

extension DatabaseValue {
    /// Reads a value in PostgreSQL's binary form.
    /// - Returns: `nil` for a type that this program does not read.
    init?(type: UInt32, bytes: UnsafeRawBufferPointer) {
        switch type {
        case PostgresType.int2, PostgresType.int4, PostgresType.int8:
            self = .integer(DatabaseValue.signed(bytes))
        case PostgresType.oid: self = .integer(Int64(DatabaseValue.unsigned(bytes)))
        case PostgresType.bool: self = .integer(bytes.first == 0 ? 0 : 1)
        case PostgresType.float8: self = .real(Double(bitPattern: DatabaseValue.unsigned(bytes)))
        case PostgresType.float4:
            self = .real(
                Double(Float(bitPattern: UInt32(truncatingIfNeeded: DatabaseValue.unsigned(bytes)))))
        case PostgresType.text, PostgresType.varchar, PostgresType.bpchar, PostgresType.name,
            PostgresType.unknown, PostgresType.char:
            self = .text(String(decoding: bytes, as: UTF8.self))
        case PostgresType.bytea: self = .blob(Array(bytes))
        case PostgresType.void: self = .null
        case PostgresType.numeric:
            guard let number = DatabaseValue.numeric(bytes) else { return nil }
            self = number
        default: return nil
        }
    }

    private static func unsigned(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func signed(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        let unused = 64 - 8 * min(8, bytes.count)
        return Int64(bitPattern: unsigned(bytes) << UInt64(unused)) >> Int64(unused)
    }

    /// What sums and averages come as: a whole number where it is one that fits, else the nearest double.
    ///
    /// Digits are in base 10000, the first of them has the given weight.
    /// - Source: PostgreSQL, `numeric_send`.
    private static func numeric(_ bytes: UnsafeRawBufferPointer) -> DatabaseValue? {
        guard bytes.count >= 8 else { return nil }
        let words = stride(from: 0, to: bytes.count - 1, by: 2).map { unsigned(bytes[$0..<$0 + 2]) }
        let weight = Int(Int16(truncatingIfNeeded: words[1]))
        let digits = words.dropFirst(4).prefix(Int(words[0])).map(Int64.init)
        guard words[2] == 0 || words[2] == 0x4000 else { return .real(.nan) }
        let isNegative = words[2] == 0x4000
        if digits.count <= weight + 1 || digits.isEmpty, weight < 5 {
            var whole: Int64 = 0
            var fits = true
            for place in 0..<max(0, weight + 1) {
                let digit = place < digits.count ? digits[place] : 0
                let (product, tooLarge) = whole.multipliedReportingOverflow(by: 10_000)
                let (sum, over) =
                    isNegative
                    ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
                fits = fits && !tooLarge && !over
                whole = sum
            }
            if fits { return .integer(whole) }
        }
        var value = 0.0
        for (place, digit) in digits.enumerated() {
            value += Double(digit) * power(10_000, weight - place)
        }
        return .real(isNegative ? -value : value)
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        let product = (0..<abs(exponent)).reduce(1.0) { product, _ in product * base }
        return exponent < 0 ? 1 / product : product
    }
}
