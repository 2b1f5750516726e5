import FoundationEssentials
import Logging

/// Finds the plugins of a distribution and of a shared home.
struct PluginCatalog: Sendable {
    let firstPartyDirectory: String?
    let installedDirectory: String?
    let logger: Logger

    /// One plugin to use, and the copies that are not.
    struct Choice: Sendable {
        let candidate: PluginCandidate
        let shadowed: [String]
    }

    /// Every plugin once: first-party ones, then the others, each group in load order.
    func choices() -> [Choice] {
        let found =
            candidates(in: firstPartyDirectory, isFirstParty: true)
            + candidates(in: installedDirectory, isFirstParty: false)
        let chosen = Dictionary(grouping: found, by: \.id).values.map(Self.choose)
        return LoadOrder.sorted(chosen.filter(\.candidate.isFirstParty))
            + LoadOrder.sorted(chosen.filter { !$0.candidate.isFirstParty })
    }

    /// A first-party plugin wins over any copy, then a usable one, then the highest version.
    private static func choose(_ candidates: [PluginCandidate]) -> Choice {
        let sorted = candidates.sorted { left, right in
            if left.isFirstParty != right.isFirstParty { return left.isFirstParty }
            switch (left.version, right.version) {
            case (let left?, let right?) where left != right: return left > right
            case (_?, nil): return true
            case (nil, _?): return false
            default: return left.location < right.location
            }
        }
        let shadowed = sorted.dropFirst().map { other in
            switch other.package {
            case .failure(let problem): "\(other.location): \(problem.text)"
            case .success where sorted[0].isFirstParty:
                "\(other.location): not used, since a plugin of the distribution has this id"
            case .success: "\(other.location): not used, since \(sorted[0].location) is newer or comes first"
            }
        }
        return Choice(candidate: sorted[0], shadowed: shadowed)
    }

    private func candidates(in directory: String?, isFirstParty: Bool) -> [PluginCandidate] {
        guard let directory, FileManager.default.fileExists(atPath: directory) else { return [] }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            logger.error(
                "plugin folder cannot be read", metadata: ["path": "\(directory)", "error": "\(error)"])
            return []
        }
        return names.compactMap { name in
            guard !name.hasPrefix(".") else { return nil }
            let path = "\(directory)/\(name)"
            let file = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
            switch file {
            case .typeDirectory?: return folder(path, name: name, isFirstParty: isFirstParty)
            case .typeRegular? where name.hasSuffix(".plugin"):
                return packed(path, name: name, isFirstParty: isFirstParty)
            default:
                logger.warning("not a plugin, left alone", metadata: ["path": "\(path)"])
                return nil
            }
        }
    }

    private func folder(_ path: String, name: String, isFirstParty: Bool) -> PluginCandidate {
        candidate(path, name: name, isFirstParty: isFirstParty) {
            let package = try PluginPackage(files: PackageFolder.files(at: path))
            let names = ["\(package.manifest.id)-\(package.manifest.version)", package.manifest.id]
            guard names.contains(name) else { throw PackageError.misnamed(name: name, expected: names[0]) }
            return package
        }
    }

    private func packed(_ path: String, name: String, isFirstParty: Bool) -> PluginCandidate {
        candidate(path, name: String(name.dropLast(".plugin".count)), isFirstParty: isFirstParty) {
            let package = try PluginPackage(
                archive: PackageFolder.file(at: path, name: name, bytesMax: 20 << 20))
            let expected = "\(package.manifest.id)-\(package.manifest.version).plugin"
            guard name == expected else { throw PackageError.misnamed(name: name, expected: expected) }
            return package
        }
    }

    private func candidate(
        _ path: String, name: String, isFirstParty: Bool, _ read: () throws -> PluginPackage
    ) -> PluginCandidate {
        do {
            let package = try read()
            return PluginCandidate(
                id: package.manifest.id, location: path, isFirstParty: isFirstParty,
                package: .success(package))
        } catch {
            return PluginCandidate(
                id: Self.id(fromName: name), location: path, isFirstParty: isFirstParty,
                package: .failure(PackageProblem(text: "\(error)")))
        }
    }

    /// `com.example.x-1.2.0` says `com.example.x`; what is no id is kept as it is, cut to a sensible length.
    private static func id(fromName name: String) -> String {
        var index = name.startIndex
        while let dash = name[index...].firstIndex(of: "-") {
            let rest = name[name.index(after: dash)...]
            if SemanticVersion(rest) != nil { return String(name[..<dash]) }
            index = name.index(after: dash)
        }
        return String(name.prefix(PluginIdentifier.bytesMax))
    }
}
