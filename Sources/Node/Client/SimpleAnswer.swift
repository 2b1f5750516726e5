/// An HTTP/1.1 answer that was read until the connection's end.
struct SimpleAnswer: Equatable {
    let status: Int
    let body: [UInt8]

    /// - Throws: ``NodeClientError/notHTTP(url:reason:)``.
    init(_ bytes: [UInt8], url: String) throws(NodeClientError) {
        let end: [UInt8] = [13, 10, 13, 10]
        guard let head = bytes.firstRange(of: end) else {
            throw .notHTTP(
                url: url, reason: bytes.isEmpty ? "it closed the connection" : "the answer has no head")
        }
        let lines = String(decoding: bytes[..<head.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw .notHTTP(url: url, reason: "the answer has no status line")
        }
        self.status = status
        let rest = bytes[head.upperBound...]
        let isChunked = lines.contains {
            let line = $0.lowercased()
            return line.hasPrefix("transfer-encoding:") && line.hasSuffix("chunked")
        }
        guard isChunked else {
            body = Array(rest)
            return
        }
        guard let plain = Self.unchunked(rest) else {
            throw .notHTTP(url: url, reason: "the answer is cut short")
        }
        body = plain
    }

    private static func unchunked(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = bytes
        var plain: [UInt8] = []
        while let line = rest.firstRange(of: [13, 10] as [UInt8]) {
            let digits = String(decoding: rest[rest.startIndex..<line.lowerBound], as: UTF8.self)
            guard let size = Int(digits.prefix { $0 != ";" }, radix: 16), size >= 0 else { return nil }
            rest = rest[line.upperBound...]
            if size == 0 { return plain }
            guard rest.count >= size, rest.count - size >= 2 else { return nil }
            plain += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
        return nil
    }
}
