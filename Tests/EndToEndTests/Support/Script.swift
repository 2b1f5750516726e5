import Foundation
import NodeTestKit
import Testing

/// An end-to-end test as text: `scripts/*.txt`, one command per line. `scripts/README.md` has the language.
struct Script: Sendable, CustomStringConvertible, CustomTestStringConvertible {
    /// One command.
    struct Line: Sendable {
        /// Its number in the file, from 1.
        var number: Int
        /// Whether the command must fail (`!` before it).
        var mustFail: Bool
        /// The command's words, variables not yet replaced.
        var words: [Word]
    }

    /// A word, and whether it stood in quotes.
    struct Word: Sendable, Equatable {
        var text: String
    }

    let name: String
    let lines: [Line]

    var description: String { name }
    var testDescription: String { name }

    /// Every script of the folder, in name order.
    static let all: [Script] = {
        let folder = "\(Executable.sourceRoot)/Tests/EndToEndTests/scripts"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted().compactMap { name in
            guard let text = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) else {
                return nil
            }
            return Script(name: String(name.dropLast(4)), text: text)
        }
    }()

    init(name: String, text: String) {
        self.name = name
        lines = text.components(separatedBy: "\n").enumerated().compactMap { index, line in
            var words = Self.words(of: line)
            guard let first = words.first, !first.text.hasPrefix("#") else { return nil }
            let mustFail = first.text == "!"
            if mustFail { words.removeFirst() }
            return Line(number: index + 1, mustFail: mustFail, words: words)
        }
    }

    /// Blanks part words; single quotes keep them together, and `''` inside quotes is one quote.
    private static func words(of line: String) -> [Word] {
        var words: [Word] = []
        var rest = line[...].drop { $0 == " " || $0 == "\t" }
        while let first = rest.first {
            var text = ""
            if first == "'" {
                rest = rest.dropFirst()
                while let character = rest.popFirst() {
                    guard character == "'" else {
                        text.append(character)
                        continue
                    }
                    guard rest.first == "'" else { break }
                    text.append(contentsOf: "'")
                    rest = rest.dropFirst()
                }
            } else {
                text = String(rest.prefix { $0 != " " && $0 != "\t" })
                rest = rest.dropFirst(text.count)
            }
            words.append(Word(text: text))
            rest = rest.drop { $0 == " " || $0 == "\t" }
        }
        return words
    }
}

/// Why a script failed: the line, and what the command before it said.
struct ScriptFailure: Error, CustomStringConvertible {
    var script: String
    var line: Int
    var reason: String

    var description: String { "scripts/\(script).txt:\(line): \(reason)" }
}
