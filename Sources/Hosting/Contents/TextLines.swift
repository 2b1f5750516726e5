/// The lines of a text file.
enum TextLines {
    /// A page of the lines, each without its line end; bytes that are no UTF-8 are replaced.
    static func page(of bytes: [UInt8], request: PageRequest) -> Page<String> {
        var lines: [String] = []
        var (number, begin) = (0, bytes.startIndex)
        while begin < bytes.endIndex, lines.count <= request.limit {
            let end = bytes[begin...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
            if number >= request.start {
                var line = bytes[begin..<end]
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                lines.append(String(decoding: line, as: UTF8.self))
            }
            number += 1
            begin = end < bytes.endIndex ? end + 1 : end
        }
        return Page(overfetched: lines, request: request)
    }
}
