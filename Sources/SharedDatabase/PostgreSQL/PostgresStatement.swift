/// A statement's text as PostgreSQL takes it: `?` becomes `$1`, `$2` and so on, outside of quotes and
/// comments.
struct PostgresStatement: Sendable {
    let text: String
    let parameterCount: Int
    /// Whether it is worth keeping prepared: a query or a change of rows.
    let isRepeated: Bool

    init(_ sql: String) {
        var output: [UInt8] = []
        output.reserveCapacity(sql.utf8.count + 16)
        var count = 0
        var scanner = Scanner(bytes: Array(sql.utf8))
        while let byte = scanner.next(into: &output) {
            guard byte == UInt8(ascii: "?") else {
                output.append(byte)
                continue
            }
            count += 1
            output.append(contentsOf: "$\(count)".utf8)
        }
        text = String(decoding: output, as: UTF8.self)
        parameterCount = count
        let word = sql.drop(while: \.isWhitespace).prefix(while: \.isLetter).uppercased()
        isRepeated = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT", "ROLLBACK"]
            .contains(word)
    }

    /// Gives bytes outside of quotes and comments one by one, and copies the rest as it stands.
    private struct Scanner {
        let bytes: [UInt8]
        private var index = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func next(into output: inout [UInt8]) -> UInt8? {
            while index < bytes.count {
                let byte = bytes[index]
                let following = index + 1 < bytes.count ? bytes[index + 1] : 0
                switch (byte, following) {
                case (UInt8(ascii: "'"), _), (UInt8(ascii: "\""), _):
                    copy(to: &output, until: [byte], after: 1)
                case (UInt8(ascii: "-"), UInt8(ascii: "-")):
                    copy(to: &output, until: [UInt8(ascii: "\n")], after: 2)
                case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                    copy(to: &output, until: Array("*/".utf8), after: 2)
                case (UInt8(ascii: "$"), _):
                    guard let tag = dollarTag() else {
                        index += 1
                        return byte
                    }
                    copy(to: &output, until: tag, after: tag.count)
                default:
                    index += 1
                    return byte
                }
            }
            return nil
        }

        /// A doubled quote ends one quotation and begins the next, which comes to the same.
        private mutating func copy(to output: inout [UInt8], until end: [UInt8], after start: Int) {
            var position = index + start
            while position < bytes.count, !bytes[position...].starts(with: end) { position += 1 }
            let stop = min(bytes.count, position + end.count)
            output.append(contentsOf: bytes[index..<stop])
            index = stop
        }

        /// `$$` or `$tag$` where one begins here.
        private func dollarTag() -> [UInt8]? {
            var position = index + 1
            while position < bytes.count, bytes[position] != UInt8(ascii: "$") {
                let byte = bytes[position]
                let isLetter =
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || byte == UInt8(ascii: "_")
                guard isLetter else { return nil }
                position += 1
            }
            return position < bytes.count ? Array(bytes[index...position]) : nil
        }
    }
}
