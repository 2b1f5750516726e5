/// What ``SharedDatabase/signals(of:)`` tells.
package enum DatabaseSignal: Sendable, Hashable {
    /// A transaction that has committed sent this.
    case notification(channel: String, payload: String)
    /// Nothing is heard from here on: the listening connection is lost, or the reader fell too far behind.
    case interrupted
    /// It is listened again. Anything may have been missed since ``interrupted``.
    case resumed

    /// The most bytes that PostgreSQL sends with a notification.
    static let payloadBytesMax = 7999

    /// Both engines refuse what PostgreSQL would refuse.
    static func check(channel: String, payload: String) throws(DatabaseError) {
        let isName =
            (1...63).contains(channel.utf8.count)
            && channel.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
        guard isName else {
            throw .statement(message: "\"\(channel)\" is no name for a channel", sql: nil)
        }
        guard payload.utf8.count <= payloadBytesMax else {
            throw .statement(message: "a notification of \(payload.utf8.count) bytes is too long", sql: nil)
        }
        guard !payload.utf8.contains(0) else {
            throw .constraint(kind: .check, detail: "a text holds the character NUL")
        }
    }
}
