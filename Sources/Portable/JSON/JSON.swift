/// JSON as this program reads and writes it: strict, bounded, with places in its complaints.
///
/// - Source: RFC 8259, "The JavaScript Object Notation (JSON) Data Interchange Format".
package enum JSON {
    /// How many arrays and objects may lie inside one another.
    package static let depthMax = 64

    /// Decodes one JSON text. Whole numbers that fit 64 bits become integers, larger ones floating point.
    /// - Throws: ``PortableError/malformed(offset:reason:)`` with line and column for anything outside the
    ///   grammar, a name that occurs twice, invalid UTF-8, a lone surrogate, a number beyond floating point,
    ///   bytes after the value; ``PortableError/depthExceeded(path:)``.
    package static func decode(_ bytes: [UInt8]) throws(PortableError) -> PortableValue {
        let outcome = bytes.withUnsafeBufferPointer { buffer in
            Result<PortableValue, PortableError> { () throws(PortableError) in
                var parser = JSONParser(buffer)
                return try parser.document()
            }
        }
        return try outcome.get()
    }

    /// Decodes one JSON text; see ``decode(_:)-([UInt8])``.
    package static func decode(_ text: String) throws(PortableError) -> PortableValue {
        try decode(Array(text.utf8))
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
