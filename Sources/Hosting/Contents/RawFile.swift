package import NIOCore
package import Portable

/// A file's bytes as they are stored.
package struct RawFile: Sendable {
    /// The blob.
    package let id: ObjectID
    /// How many bytes there are.
    package let size: Int64
    /// The beginning of the file, at most 8,000 bytes: enough to guess what it is.
    package let head: [UInt8]
    /// Whether the beginning holds a NUL byte.
    package let isBinary: Bool
    /// All the bytes, read as they are asked for; to be gone through once.
    package let chunks: AsyncThrowingStream<ByteBuffer, any Error>
}
