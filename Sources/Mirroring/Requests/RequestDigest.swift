internal import Crypto

/// What a request is, as far as its token binds it.
package struct RequestDigest: Sendable, Hashable {
    /// SHA-256 of `METHOD&path?query` in hexadecimal. The path begins at `/rest/` or `/scm/`: what a proxy
    /// puts before it is not part of it.
    package let target: String
    /// SHA-256 of the body in hexadecimal; `-` for a body that is streamed.
    package let body: String

    /// What stands for a body that cannot be known when the token is made.
    package static let streamed = "-"

    /// - Parameters:
    ///   - method: In upper case.
    ///   - target: The path with its query, as it goes over the wire.
    ///   - body: All of it; `nil` when it is streamed.
    package init(method: String, target: String, body: [UInt8]?) {
        let roots = ["/rest/", "/scm/"].compactMap { target.range(of: $0)?.lowerBound }
        let start = roots.min() ?? target.startIndex
        let text = "\(method)&\(target[start...])"
        self.target = Array(SHA256.hash(data: Array(text.utf8))).hexadecimal
        self.body = body.map { Array(SHA256.hash(data: $0)).hexadecimal } ?? Self.streamed
    }
}

extension String {
    /// Where a text begins to occur.
    fileprivate func range(of part: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
            start = index(after: start)
        }
        return nil
    }
}
