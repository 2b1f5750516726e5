/// The encoding of portable values in tables, between nodes and at the Lua boundary.
///
/// A `str` that is valid UTF-8 is text, any other `str` and every `bin` is a byte string. Map keys are text,
/// each once.
package enum MessagePack {
    /// What an extension value becomes: its type, its bytes, and its place such as `2.process` (lists count
    /// from 1).
    package typealias ExtensionReader = (
        _ type: Int8, _ bytes: UnsafeRawBufferPointer, _ path: String
    ) throws(PortableError) -> PortableValue

    /// Encodes a value; equal values give equal bytes.
    /// - Throws: ``PortableError/depthExceeded(path:)``, ``PortableError/tooLarge(bytes:limit:)``.
    package static func encode(
        _ value: PortableValue, limits: PortableLimits = .standard
    ) throws(PortableError) -> [UInt8] {
        var writer = MessagePackWriter()
        try writer.write(value, limits: limits)
        return writer.bytes
    }

    /// Decodes exactly one value; bytes after it are refused, and so are extension values.
    /// - Throws: ``PortableError``; never traps, whatever the bytes are.
    package static func decode(
        _ bytes: some Collection<UInt8>, limits: PortableLimits = .standard
    ) throws(PortableError) -> PortableValue {
        let outcome = bytes.withContiguousStorageIfAvailable { buffer in
            Result<PortableValue, PortableError> { () throws(PortableError) in
                try decode(UnsafeRawBufferPointer(buffer), limits: limits, extensions: nil)
            }
        }
        if let outcome { return try outcome.get() }
        let copy = Result<PortableValue, PortableError> { () throws(PortableError) in
            try decode(Array(bytes), limits: limits)
        }
        return try copy.get()
    }

    /// Decodes exactly one value from memory that somebody else owns.
    /// - Parameter extensions: Decides on extension values; without it they are refused.
    /// - Throws: ``PortableError``; never traps, whatever the bytes are.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: PortableLimits = .standard,
        extensions: ExtensionReader? = nil
    ) throws(PortableError) -> PortableValue {
        guard bytes.count <= limits.bytesMax else {
            throw .tooLarge(bytes: bytes.count, limit: limits.bytesMax)
        }
        var decoder = MessagePackDecoder(
            reader: MessagePackReader(bytes), depthMax: limits.depthMax, extensions: extensions)
        let value = try decoder.value(depth: 0)
        guard decoder.reader.isAtEnd else {
            throw .malformed(offset: decoder.reader.offset, reason: "bytes follow the value")
        }
        return value
    }
}
