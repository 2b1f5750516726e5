/// Finds what somebody probably meant, for messages of the form `did you mean "server.port"?`.
package enum Nearest {
    /// The candidate with the fewest single-letter edits (case does not count), or `nil` when none is near.
    /// - Parameters:
    ///   - word: What was written; beyond 200 characters, and when it is not stream-safe, nothing is near.
    ///   - candidates: What would have been right.
    ///   - distanceMax: Edits allowed; also never more than half of the word.
    package static func match(
        _ word: String, among candidates: some Sequence<String>, distanceMax: Int = 3
    ) -> String? {
        guard word.isStreamSafe else { return nil }
        let letters = Array(word.lowercased())
        guard !letters.isEmpty, letters.count <= 200 else { return nil }
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let others = Array(candidate.lowercased())
            let allowed = min(distanceMax, max(letters.count, others.count) / 2)
            guard abs(others.count - letters.count) <= allowed else { continue }
            let distance = edits(letters, others)
            guard distance <= allowed else { continue }
            if let best, (best.distance, best.candidate) <= (distance, candidate) { continue }
            best = (distance, candidate)
        }
        return best?.candidate
    }

    /// The candidate that a key resembles most, however little; `nil` only when there are none.
    ///
    /// One that ``match(_:among:distanceMax:)`` finds comes first; then the one that shares the most leading
    /// parts with the word, then the most other words, then the one fewest edits away.
    /// - Parameter word: Parts and words end at dots, dashes, underscores and humps; the first 200 characters
    ///   count.
    package static func closest(_ word: String, among candidates: some Sequence<String>) -> String? {
        let candidates = Array(candidates)
        if let near = match(word, among: candidates) { return near }
        let text = String(word.prefix(200))
        let letters = Array(text.lowercased())
        let words = parts(of: text)
        return candidates.map { candidate in
            let others = parts(of: candidate)
            let leading = zip(words, others).prefix { $0 == $1 }.count
            let shared = Set(words.dropFirst(leading)).intersection(others.dropFirst(leading)).count
            return (-leading, -shared, edits(letters, Array(candidate.lowercased())), candidate)
        }.min { $0 < $1 }?.3
    }

    /// `server.ssl.certificate-key` as server, ssl, certificate, key; `baseUrl` as base, url.
    private static func parts(of text: String) -> [String] {
        var parts: [String] = []
        var part = ""
        var wasLower = false
        for character in text {
            let isHump = character.isUppercase && wasLower
            if isHump || !(character.isLetter || character.isNumber) {
                if !part.isEmpty { parts.append(part) }
                part = ""
            }
            if character.isLetter || character.isNumber { part += character.lowercased() }
            wasLower = character.isLowercase
        }
        return part.isEmpty ? parts : parts + [part]
    }

    /// Levenshtein's distance, with one row of the table in memory.
    private static func edits(_ left: [Character], _ right: [Character]) -> Int {
        var row = Array(0...right.count)
        for (leftIndex, leftLetter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = leftIndex + 1
            for (rightIndex, rightLetter) in right.enumerated() {
                let substitution = diagonal + (leftLetter == rightLetter ? 0 : 1)
                diagonal = row[rightIndex + 1]
                row[rightIndex + 1] = min(substitution, row[rightIndex] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
