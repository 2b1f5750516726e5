/// How some folders looked at one moment, to tell later which have had names made or removed in them.
package struct FolderStamps: Sendable {
    private var stamps: [String: FileStamp] = [:]

    /// Looks at the folders; one that is not there, or cannot be looked at, counts as changed later.
    init(of folders: [String]) {
        for folder in folders {
            guard let stamp = try? FileStamp.of(folder), stamp.isFolder, stamp.isSettled else { continue }
            stamps[folder] = stamp
        }
    }

    /// Whether nothing was made or removed in the folder since; false where that is not certain.
    func isUnchanged(_ folder: String) -> Bool {
        guard let before = stamps[folder], let now = try? FileStamp.of(folder) else { return false }
        return before == now
    }
}
