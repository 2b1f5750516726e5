import Portable

extension PluginManifest {
    static func identifier(_ object: ManifestObject) throws(ManifestError) -> String {
        let id = try object.requiredString("id")
        guard PluginIdentifier.isValid(id) else {
            throw ManifestError(
                "id",
                "\"\(id)\" is not an id; use lower-case words and dots, such as \"com.example.branch-report\""
            )
        }
        return id
    }

    static func version(_ object: ManifestObject) throws(ManifestError) -> SemanticVersion {
        let text = try object.requiredString("version")
        guard let version = SemanticVersion(text) else {
            throw ManifestError("version", "\"\(text)\" is not a version such as \"1.2.0\"")
        }
        return version
    }

    static func api(_ object: ManifestObject) throws(ManifestError) -> Int64 {
        guard let value = object.map["api"] else { throw ManifestError("", "the key \"api\" is missing") }
        guard case .integer(let api) = value else {
            throw ManifestError("api", "a whole number is expected, not \(value.jsonKind)")
        }
        guard api == apiSupported else {
            throw ManifestError("api", "this server offers api \(apiSupported), not \(api)")
        }
        return api
    }

    static func main(_ object: ManifestObject) throws(ManifestError) -> String {
        let main = try object.string("main", bytesMax: 200) ?? "main.lua"
        guard main.hasSuffix(".lua"), PackageFileName.problem(of: main) == nil else {
            throw ManifestError(
                "main", "\"\(main)\" is not the name of a Lua file in the plugin, such as \"main.lua\"")
        }
        return main
    }

    static func vendor(_ object: ManifestObject) throws(ManifestError) -> String? {
        guard let vendor = try object.object("vendor") else { return nil }
        try vendor.refuseUnknownKeys(known: ["name", "url"])
        _ = try vendor.string("url")
        return try vendor.requiredString("name", bytesMax: 200)
    }

    static func modes(_ object: ManifestObject) throws(ManifestError) -> [String] {
        let modes = try object.strings("modes") ?? ["primary"]
        guard !modes.isEmpty else { throw ManifestError("modes", "at least one mode is needed") }
        for (index, mode) in modes.enumerated() where !modesKnown.contains(mode) {
            let hint = Nearest.match(mode, among: modesKnown).map { "did you mean \"\($0)\"?" }
            throw ManifestError(
                "modes[\(index)]",
                "unknown mode \"\(mode)\"; \(hint ?? "known are \(modesKnown.joined(separator: ", "))")")
        }
        return modes
    }

    static func after(_ object: ManifestObject, id: String) throws(ManifestError) -> [String] {
        let after = try object.strings("after") ?? []
        for (index, other) in after.enumerated() {
            guard PluginIdentifier.isValid(other) else {
                throw ManifestError("after[\(index)]", "\"\(other)\" is not a plugin id")
            }
            guard other != id else {
                throw ManifestError("after[\(index)]", "a plugin cannot come after itself")
            }
        }
        return after
    }
}
