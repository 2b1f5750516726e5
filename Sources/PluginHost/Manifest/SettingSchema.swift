package import Portable

/// The settings that a manifest declares under `config` or `repository_config`.
package struct SettingSchema: Sendable, Hashable {
    /// By name.
    package let fields: [String: SettingField]

    /// Names that `perigee.config` has for itself.
    static let reserved = ["repository", "on_change", "on_repository_change"]

    /// Declares nothing.
    package init() { fields = [:] }

    init(_ object: ManifestObject) throws(ManifestError) {
        var fields: [String: SettingField] = [:]
        for (key, value) in object.map.sorted(by: { $0.key < $1.key }) {
            let path = object.path(key)
            guard Self.isName(key) else {
                throw ManifestError(
                    path, "setting names have lower-case letters, digits and _, and start with a letter")
            }
            guard !Self.reserved.contains(key) else {
                throw ManifestError(path, "\"\(key)\" is a function of perigee.config; choose another name")
            }
            fields[key] = try SettingField(ManifestObject(value, path: path))
        }
        for (key, field) in fields.sorted(by: { $0.key < $1.key }) {
            guard let other = field.boundTo, fields[other] == nil || other == key else { continue }
            throw ManifestError(object.path("\(key).bound_to"), "there is no other setting \"\(other)\" here")
        }
        self.fields = fields
    }

    /// Checks what somebody wants to store.
    /// - Returns: What is wrong: the key, and a lower-case clause; `nil` when all fits.
    package func problem(of settings: PortableValue) -> (key: String, problem: String)? {
        guard case .map(let map) = settings else {
            return ("", "an object is expected, not \(settings.jsonKind)")
        }
        for (key, value) in map.sorted(by: { $0.key < $1.key }) {
            guard let field = fields[key] else {
                let hint = Nearest.match(key, among: Array(fields.keys)).map { "; did you mean \"\($0)\"?" }
                let known = fields.keys.sorted().joined(separator: ", ")
                return (key, "unknown setting\(hint ?? "; known are \(known)")")
            }
            if value != .null, let problem = field.problem(of: value) { return (key, problem) }
        }
        return nil
    }

    /// Every declared setting as plugins get it: what is stored, else the default, else absent.
    package func resolved(_ stored: PortableValue) -> [String: PortableValue] {
        let defaults = fields.compactMapValues { field in field.defaultValue.map(field.converted) }
        return defaults.merging(storedValues(stored) { $0.converted($1) }) { _, given in given }
    }

    /// Every declared setting as written, for people: what is stored, else the default; secrets are left out.
    package func shown(_ stored: PortableValue) -> [String: PortableValue] {
        let defaults = fields.filter { !$0.value.isSecret }.compactMapValues(\.defaultValue)
        return defaults.merging(storedValues(stored.without(secretsOf: fields)) { $1 }) { _, given in given }
    }

    /// What to store: `settings` without nulls, and with the stored secrets that it leaves out, but for those
    /// that are bound to a setting which changes.
    package func merged(_ settings: PortableValue, over stored: PortableValue) -> [String: PortableValue] {
        guard case .map(let given) = settings else { return [:] }
        let kept = storedValues(stored) { $1 }.filter {
            fields[$0.key]?.isSecret == true && given[$0.key] == nil
                && fields[$0.key]?.boundTo.map { (given[$0] ?? .null) == (stored[$0] ?? .null) } ?? true
        }
        return kept.merging(given.filter { $0.value != .null }) { $1 }
    }

    private func storedValues(
        _ stored: PortableValue, _ transform: (SettingField, PortableValue) -> PortableValue
    ) -> [String: PortableValue] {
        guard case .map(let map) = stored else { return [:] }
        var values: [String: PortableValue] = [:]
        for (key, value) in map {
            // A value that no longer fits, after an upgrade of the plugin, counts as absent.
            guard let field = fields[key], field.problem(of: value) == nil else { continue }
            values[key] = transform(field, value)
        }
        return values
    }

    private static func isName(_ text: String) -> Bool {
        guard text.utf8.count <= 60, let first = text.utf8.first, (97...122).contains(first) else {
            return false
        }
        return text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    }
}

extension PortableValue {
    /// The same settings but for the secret ones.
    fileprivate func without(secretsOf fields: [String: SettingField]) -> PortableValue {
        guard case .map(let map) = self else { return self }
        return .map(map.filter { fields[$0.key]?.isSecret != true })
    }
}
