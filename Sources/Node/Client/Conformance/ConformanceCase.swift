import FoundationEssentials
import Portable

/// One hostile plugin of `sdk/conformance/cases`: its main chunk, and what its header says.
package struct ConformanceCase: Sendable {
    /// What is watched.
    enum Phase: String, Sendable {
        /// The main chunk.
        case load
        /// The handler of `on_start`.
        case start
        /// The handler of `on_stop`.
        case stop
    }

    /// One way in which the case may end.
    enum Ending: Sendable, Hashable, CustomStringConvertible {
        case well
        case killed(String)
        case failed(String)

        init?(_ text: String) {
            let words = text.split(separator: " ", maxSplits: 1).map(String.init)
            switch (words.first, words.count) {
            case ("ok", 1): self = .well
            case ("killed", 2): self = .killed(words[1])
            case ("failed", 2): self = .failed(words[1])
            default: return nil
            }
        }

        var description: String {
            switch self {
            case .well: "ok"
            case .killed(let reason): "killed \(reason)"
            case .failed(let text): "failed \(text)"
            }
        }

        /// Whether what happened is this; a failure's text need only be in the reason.
        func fits(_ other: Ending) -> Bool {
            if case (.failed(let text), .failed(let reason)) = (self, other) { return reason.contains(text) }
            return self == other
        }
    }

    /// The file below the folder of cases without `.lua`: `ending/02-pcall-loop`.
    package let name: String
    /// What it tries, in a line.
    package let what: String
    let endings: [Ending]
    let phase: Phase
    /// CPU time beyond the budget, in milliseconds.
    let overMilliseconds: Int64
    let limits: PortableValue
    let permissions: PortableValue
    let source: [UInt8]

    /// How it may end, as its header says.
    package var expected: String { endings.map(\.description).joined(separator: " | ") }

    /// The plugin's id.
    var pluginID: String {
        let file = name.lastIndex(of: "/").map { name[name.index(after: $0)...] } ?? name[...]
        return "perigee.conformance.\(file)"
    }

    /// The CPU time that the watched run has, in milliseconds; `nil` for the server's own limit.
    var budgetMilliseconds: Int64? {
        let text = limits["handler_cpu"]?.stringValue ?? ""
        if phase == .load { return 500 }
        if text.hasSuffix("ms") { return Int64(text.dropLast(2)) }
        return text.hasSuffix("s") ? Int64(text.dropLast()).map { $0 * 1_000 } : nil
    }

    /// The manifest that it is installed with.
    var manifest: PortableValue {
        [
            "id": .string(pluginID), "name": .string("Conformance: \(what)"), "version": "1.0.0", "api": 1,
            "cluster_compatible": true, "permissions": permissions, "limits": limits,
        ]
    }

    /// - Throws: ``ConformanceError/badCase(name:problem:)``.
    init(name: String, source: [UInt8]) throws {
        let fields = Self.header(String(decoding: source, as: UTF8.self))
        let bad = { (problem: String) in ConformanceError.badCase(name: name, problem: problem) }
        guard let what = fields["what"], let expect = fields["expect"] else {
            throw bad("the header lacks \"what\" or \"expect\"")
        }
        endings = try expect.split(separator: "|").map { part in
            let text = part.trimmed
            guard let ending = Ending(text) else { throw bad("\"\(text)\" is no way to end") }
            return ending
        }
        guard let phase = Phase(rawValue: fields["phase"] ?? "start") else { throw bad("unknown phase") }
        let over = fields["over"] ?? "50ms"
        guard over.hasSuffix("ms"), let overMilliseconds = Int64(over.dropLast(2)) else {
            throw bad("\"over\" is no time such as 50ms")
        }
        do {
            limits = try JSON.decode(fields["limits"] ?? #"{"handler_cpu": "100ms"}"#)
            permissions = try JSON.decode(fields["permissions"] ?? "{}")
        } catch {
            throw bad("\"limits\" or \"permissions\" is not JSON: \(error)")
        }
        self.name = name
        self.what = what
        self.phase = phase
        self.overMilliseconds = overMilliseconds
        self.source = source
    }

    /// `-- name: value` lines at the beginning of the file.
    private static func header(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("-- "), let colon = line.firstIndex(of: ":") else { break }
            fields[line[line.index(line.startIndex, offsetBy: 3)..<colon].trimmed] =
                line[line.index(after: colon)...].trimmed
        }
        return fields
    }
}

extension Substring {
    /// Without blanks around it.
    fileprivate var trimmed: String {
        let start = drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }
}
