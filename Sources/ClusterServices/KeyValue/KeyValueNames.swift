/// The rules of keys and namespaces.
enum KeyValueNames {
    static func check(namespace: String, keys: some Sequence<String>) throws(KeyValueError) {
        guard isValid(namespace, bytesMax: 256) else { throw .invalidNamespace(namespace) }
        for key in keys {
            guard isValid(key, bytesMax: 512) else { throw .invalidKey(key) }
        }
    }

    /// The smallest text above every text that begins with this prefix, by bytes; `nil` when there is none.
    static func successor(of prefix: String) -> String? {
        var scalars = Array(prefix.unicodeScalars)
        while let last = scalars.popLast() {
            // Above U+D7FF come the surrogates, which are no scalars. UTF-8 orders as scalars do.
            let next = last.value == 0xd7ff ? 0xe000 : last.value + 1
            guard let scalar = Unicode.Scalar(next) else { continue }
            scalars.append(scalar)
            var result = String.UnicodeScalarView()
            result.append(contentsOf: scalars)
            return String(result)
        }
        return nil
    }

    private static func isValid(_ text: String, bytesMax: Int) -> Bool {
        !text.isEmpty && text.utf8.count <= bytesMax && !text.utf8.contains(0)
    }
}
