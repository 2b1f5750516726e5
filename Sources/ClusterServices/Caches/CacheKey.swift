package import Portable

/// What a cached value is found by: a text, or a whole number. `1` and `"1"` are two keys.
package enum CacheKey: Sendable, Hashable {
    /// 1 to 512 bytes without NUL.
    case text(String)
    /// Any whole number, such as a repository's id.
    case integer(Int64)

    /// The longest text, in bytes.
    package static let bytesMax = 512

    /// - Throws: ``CacheError/invalidKey(kind:)``.
    package init(_ value: PortableValue) throws(CacheError) {
        switch value {
        case .string(let text):
            let count = text.utf8.count
            guard count > 0 else { throw .invalidKey(kind: "an empty text") }
            guard count <= Self.bytesMax else { throw .invalidKey(kind: "a text of \(count) bytes") }
            guard !text.utf8.contains(0) else { throw .invalidKey(kind: "a text with a NUL") }
            self = .text(text)
        default:
            guard let number = value.integerValue else { throw .invalidKey(kind: "a \(value.kindName)") }
            self = .integer(number)
        }
    }

    /// The key as a value.
    package var value: PortableValue {
        switch self {
        case .text(let text): .string(text)
        case .integer(let number): .integer(number)
        }
    }

    /// As it is written in tables and signals; ``init(written:)`` reads it.
    var written: String {
        switch self {
        case .text(let text): "s" + text
        case .integer(let number): "i\(number)"
        }
    }

    init?(written: String) {
        let rest = written.dropFirst()
        switch written.first {
        case "s": self = .text(String(rest))
        case "i":
            guard let number = Int64(rest) else { return nil }
            self = .integer(number)
        default: return nil
        }
    }

    /// Lends the key's bytes for a look-up.
    func withLent<Value>(_ body: (LentKey) -> Value) -> Value {
        switch self {
        case .integer(let number): return body(.integer(number))
        case .text(var text): return text.withUTF8 { body(.text(UnsafeRawBufferPointer($0))) }
        }
    }

    /// A key whose bytes belong to somebody else, so that a look-up makes no copy.
    package enum LentKey {
        /// The bytes of a text.
        case text(UnsafeRawBufferPointer)
        /// A whole number.
        case integer(Int64)

        /// Seeded for each process, so that nobody can make keys collide.
        @inline(__always)
        var hash: Int {
            var hasher = Hasher()
            switch self {
            case .text(let bytes): hasher.combine(bytes: bytes)
            case .integer(let number): hasher.combine(number)
            }
            return hasher.finalize()
        }
    }
}
