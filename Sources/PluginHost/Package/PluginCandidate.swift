/// A plugin found on disk, usable or not.
struct PluginCandidate: Sendable {
    /// The manifest's id, or what the file's name says when the manifest cannot be read.
    let id: String
    /// The folder or the packed file.
    let location: String
    let isFirstParty: Bool
    /// Its files, or what is wrong with them.
    let package: Result<PluginPackage, PackageProblem>

    var manifest: PluginManifest? { try? package.get().manifest }
    var version: SemanticVersion? { manifest?.version }
}

/// Why a plugin cannot be used, as one text for people.
struct PackageProblem: Error, Sendable, Hashable {
    let text: String
}
