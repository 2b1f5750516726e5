/// Finds the line of a JSON path in a manifest's text, for error messages.
enum ManifestLine {
    /// - Parameter path: Keys joined by dots, list positions in brackets.
    /// - Returns: The line of the path's last key, from 1; `nil` when a key is not written there.
    static func find(_ path: String, in bytes: [UInt8]) -> Int? {
        guard !path.isEmpty else { return nil }
        let text = bytes[...]
        var start = text.startIndex
        for word in path.split(separator: ".") {
            let key = Array("\"\(word.prefix { $0 != "[" })\"".utf8)
            guard let found = position(of: key, in: text[start...]) else { return nil }
            start = found
        }
        return 1 + text[..<start].count { $0 == UInt8(ascii: "\n") }
    }

    /// Where the key stands and a colon follows it.
    private static func position(of key: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        var start = text.startIndex
        while start + key.count <= text.endIndex {
            if text[start..<start + key.count].elementsEqual(key) {
                let rest = text[(start + key.count)...].drop { [9, 10, 13, 32].contains($0) }
                if rest.first == UInt8(ascii: ":") { return start }
            }
            start += 1
        }
        return nil
    }
}
