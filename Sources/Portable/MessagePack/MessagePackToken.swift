/// One item of a MessagePack stream: a whole scalar, or the head of a list or map whose elements follow.
///
/// The buffers point into the bytes that the reader was given and are valid as long as those are.
package enum MessagePackToken {
    /// `nil`.
    case null
    /// A truth value.
    case bool(Bool)
    /// Any integer format; above `Int64.max` the reader refuses.
    case integer(Int64)
    /// A float of 32 or 64 bits.
    case double(Double)
    /// The bytes of a `str`; not yet checked for being UTF-8.
    case string(UnsafeRawBufferPointer)
    /// The bytes of a `bin`.
    case bytes(UnsafeRawBufferPointer)
    /// Head of an array: this many values follow.
    case list(count: Int)
    /// Head of a map: this many pairs of key and value follow.
    case map(count: Int)
    /// An extension value.
    case `extension`(type: Int8, bytes: UnsafeRawBufferPointer)
}
