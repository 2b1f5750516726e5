internal import Portable

extension RefChange {
    /// Reads what git passes to its pre-receive hook: a line `old new ref` for each ref.
    /// - Throws: ``HostingError/refused(text:)`` with a sentence for the client when a name is none that may
    ///   be
    ///   used.
    package static func parse(hookInput bytes: some Collection<UInt8>) throws(HostingError) -> [RefChange] {
        var changes: [RefChange] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(
                separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let from = ObjectID(hexBytes: parts[0]),
                let to = ObjectID(hexBytes: parts[1])
            else { throw .refused(text: "The push cannot be read. Update git and try again.") }
            guard let name = String(validating: parts[2], as: UTF8.self) else {
                throw .refused(text: "A ref name is not UTF-8. Rename it and push again.")
            }
            do throws(RefNameError) {
                changes.append(RefChange(ref: try RefName(name), from: from, to: to))
            } catch {
                throw .refused(text: "A ref cannot be pushed: its \(error). Rename it and push again.")
            }
        }
        return changes
    }
}
