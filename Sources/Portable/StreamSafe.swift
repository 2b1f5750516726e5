/// Text that is compared in a time that grows with its length alone.
///
/// Swift compares and hashes text in its canonical form, for which the combining marks behind a letter are
/// put in order, by a sort whose time grows with the square of their number: half a megabyte of them takes
/// minutes. So text from outside is not compared, looked up or made a name before this is known of it.
/// - Source: Unicode Standard Annex #15, "Unicode Normalization Forms", "Stream-Safe Text Format".
package enum StreamSafe {
    /// How many combining marks may follow one another; no language comes near.
    package static let marksMax = 30
    /// What is wrong with other text.
    package static let problem = "more than \(marksMax) combining marks in a row"
}

extension StringProtocol {
    /// Whether no more than ``StreamSafe/marksMax`` combining marks follow one another.
    package var isStreamSafe: Bool {
        // The first mark is U+0300, CC 80 in UTF-8, and none is shorter.
        guard utf8.count > 2 * StreamSafe.marksMax, utf8.contains(where: { $0 >= 0xcc }) else { return true }
        var marks = 0
        for scalar in unicodeScalars {
            marks = scalar.isMark ? marks + 1 : 0
            if marks > StreamSafe.marksMax { return false }
        }
        return true
    }
}

extension Unicode.Scalar {
    /// Whether it takes part in the ordering of marks, or turns into scalars that do.
    fileprivate var isMark: Bool {
        switch value {
        case 0..<0x300: false
        case 0xf73, 0xf75, 0xf81: true
        default: properties.canonicalCombiningClass != .notReordered
        }
    }
}
