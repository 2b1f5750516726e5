/// What a committed transaction survives.
package enum Durability: Sendable {
    /// A power cut, from the moment the write returns.
    case disk
    /// The death of every process at once; a power cut may undo the last of them. For what is found out anew
    /// after one. A later commit with ``disk`` takes all earlier ones to the disk with it.
    case process
}
