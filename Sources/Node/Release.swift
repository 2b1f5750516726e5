import FoundationEssentials

/// Which release of Perigee this is.
package enum Release {
    /// The version, as in `CHANGELOG.md`.
    package static let version = "0.1.0"

    /// The version as one number, for clients that compare: two digits per part.
    static let buildNumber = "000100"

    /// When the executable was built, in epoch milliseconds: the file's own time.
    static var buildDate: String {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let attributes = try? FileManager.default.attributesOfItem(atPath: executable)
        let date = attributes?[.modificationDate] as? Date
        return String(Int64((date?.timeIntervalSince1970 ?? 0) * 1_000))
    }
}
