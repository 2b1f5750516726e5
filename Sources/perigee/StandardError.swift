import Glibc

/// Text for people that is not the command's output.
enum StandardError {
    /// Writes all of `text`; where nobody listens there is nobody to tell.
    static func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
