/// Why a plugin's folder or packed file is not used.
package enum PackageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A file cannot be read.
    case unreadable(name: String, reason: String)
    /// The packed file is not a tar archive of the one form that is read, at this offset in bytes.
    case notATar(offset: Int, reason: String)
    /// An entry that is never read: `..`, an absolute name, a link, a device.
    case badEntry(name: String, reason: String)
    /// More files or bytes than a plugin may have.
    case tooLarge(what: String, limit: String)
    /// The list of digests does not fit the files.
    case digest(name: String, reason: String)
    /// Something that every plugin has is missing.
    case missing(name: String)
    /// The file's or the folder's name says another id or version than the manifest.
    case misnamed(name: String, expected: String)

    /// The fact as a lower-case clause.
    package var description: String {
        switch self {
        case .unreadable(let name, let reason): "\(name) cannot be read: \(reason)"
        case .notATar(let offset, let reason): "not a plugin archive: \(reason) at byte \(offset)"
        case .badEntry(let name, let reason): "the entry \"\(name.prefix(120))\" \(reason)"
        case .tooLarge(let what, let limit): "\(what); a plugin has at most \(limit)"
        case .digest(let name, let reason): "\(name) in MANIFEST.sha256: \(reason)"
        case .missing(let name): "\(name) is missing"
        case .misnamed(let name, let expected):
            "\"\(name)\" should be called \"\(expected)\", as its plugin.json says"
        }
    }
}
