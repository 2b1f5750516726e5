/// JSON as this program reads and writes it: strict, bounded, with places in its complaints.
///
/// - Source: RFC 8259, "The JavaScript Object Notation (JSON) Data Interchange Format".
package enum JSON {
    /// How many arrays and objects may lie inside one another.
    package static let depthMax = 64

    /// Decodes one JSON text. Whole numbers that fit 64 bits become integers, larger ones floating point.
    /// - Parameter allowsAnyText: Whether values may be texts that are not stream-safe, see ``StreamSafe``:
    ///   for callers that never compare them. Names may not.
    /// - Throws: ``PortableError/malformed(offset:reason:)`` with line and column for anything outside the
    ///   grammar, a name that occurs twice, invalid UTF-8, a lone surrogate, a number beyond floating point,
    ///   bytes after the value, text that is not stream-safe; ``PortableError/depthExceeded(path:)``.
    package static func decode(
        _ bytes: [UInt8], allowsAnyText: Bool = false
    ) throws(PortableError) -> PortableValue {
        let outcome = bytes.withUnsafeBufferPointer { buffer in
            Result<PortableValue, PortableError> { () throws(PortableError) in
                var parser = JSONParser(buffer, allowsAnyText: allowsAnyText)
                return try parser.document()
            }
        }
        return try outcome.get()
    }

    /// Decodes one JSON text; see the other one.
    package static func decode(
        _ text: String, allowsAnyText: Bool = false
    ) throws(PortableError) -> PortableValue {
        try decode(Array(text.utf8), allowsAnyText: allowsAnyText)
    }

    /// Encodes a value with names in sorted order; slashes stay as they are.
    /// - Parameter pretty: Two spaces of indentation and a line per member.
    /// - Throws: ``PortableError/notJSON(reason:)`` for a byte string, a NaN or an infinity;
    ///   ``PortableError/depthExceeded(path:)`` beyond 64.
    package static func encode(_ value: PortableValue, pretty: Bool = false) throws(PortableError) -> [UInt8]
    {
        var writer = JSONWriter(pretty: pretty)
        try writer.write(value, depth: 0)
        return writer.bytes
    }

    /// Encodes to text; see ``encode(_:pretty:)``.
    package static func text(_ value: PortableValue, pretty: Bool = false) throws(PortableError) -> String {
        String(decoding: try encode(value, pretty: pretty), as: UTF8.self)
    }
}
