import Portable

/// One JSON object of a manifest, read key by key; keys that nobody asked for are refused.
struct ManifestObject {
    let path: String
    let map: [String: PortableValue]

    init(_ value: PortableValue, path: String) throws(ManifestError) {
        guard case .map(let map) = value else {
            throw ManifestError(path, "an object is expected, not \(value.jsonKind)")
        }
        self.path = path
        self.map = map
    }

    /// - Throws: ``ManifestError`` that names the first unknown key and the nearest known one.
    func refuseUnknownKeys(known: [String], noun: String = "key") throws(ManifestError) {
        for key in map.keys.sorted() where !known.contains(key) {
            let place = self.path(key)
            if let nearest = Nearest.match(key, among: known) {
                throw ManifestError(place, "unknown \(noun) \"\(key)\"; did you mean \"\(nearest)\"?")
            }
            let names = known.filter { $0 != "$schema" }
            let nearest = Nearest.closest(key, among: names).map { "; the nearest is \"\($0)\"" } ?? ""
            let list = names.joined(separator: ", ")
            throw ManifestError(place, "unknown \(noun) \"\(key)\"; known are \(list)\(nearest)")
        }
    }

    func path(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func object(_ key: String) throws(ManifestError) -> ManifestObject? {
        guard let value = map[key] else { return nil }
        return try ManifestObject(value, path: path(key))
    }

    func string(_ key: String, bytesMax: Int = 1_000) throws(ManifestError) -> String? {
        guard let value = map[key] else { return nil }
        guard case .string(let text) = value else {
            throw ManifestError(path(key), "a string is expected, not \(value.jsonKind)")
        }
        guard !text.isEmpty else { throw ManifestError(path(key), "the text is empty") }
        guard text.utf8.count <= bytesMax else {
            throw ManifestError(path(key), "more than \(bytesMax) bytes")
        }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw ManifestError(path(key), "the text has a control character")
        }
        return text
    }

    func requiredString(_ key: String, bytesMax: Int = 1_000) throws(ManifestError) -> String {
        guard let text = try string(key, bytesMax: bytesMax) else {
            throw ManifestError(path, "the key \"\(key)\" is missing")
        }
        return text
    }

    func boolean(_ key: String) throws(ManifestError) -> Bool? {
        guard let value = map[key] else { return nil }
        guard case .bool(let flag) = value else {
            throw ManifestError(path(key), "true or false is expected, not \(value.jsonKind)")
        }
        return flag
    }

    func strings(_ key: String, countMax: Int = 100) throws(ManifestError) -> [String]? {
        guard let value = map[key] else { return nil }
        guard case .list(let items) = value else {
            throw ManifestError(path(key), "a list of strings is expected, not \(value.jsonKind)")
        }
        guard items.count <= countMax else { throw ManifestError(path(key), "more than \(countMax) entries") }
        var texts: [String] = []
        for (index, item) in items.enumerated() {
            guard case .string(let text) = item, !text.isEmpty else {
                throw ManifestError("\(path(key))[\(index)]", "a string is expected, not \(item.jsonKind)")
            }
            guard !texts.contains(text) else {
                throw ManifestError("\(path(key))[\(index)]", "\"\(text)\" twice")
            }
            texts.append(text)
        }
        return texts
    }
}

extension PortableValue {
    /// What a value is called in JSON, with its article.
    var jsonKind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .double: "a number"
        case .string, .bytes: "a string"
        case .list: "a list"
        case .map: "an object"
        }
    }
}
