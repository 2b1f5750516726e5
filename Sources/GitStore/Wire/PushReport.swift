package import NIOCore

/// What `git receive-pack` tells the client of a push.
/// - Source: gitprotocol-pack(5), "Report Status".
package struct PushReport: Sendable, Hashable {
    /// What became of one ref.
    package enum Outcome: Sendable, Hashable {
        /// It was changed.
        case ok
        /// It was not, for this reason.
        case refused(reason: String)
    }

    /// One ref's line. The name is as the client wrote it, which need not be a name that git accepts.
    package struct Line: Sendable, Hashable {
        /// The ref's name.
        package var ref: String
        /// What became of it.
        package var outcome: Outcome

        /// Makes a line.
        package init(ref: String, outcome: Outcome) {
            self.ref = ref
            self.outcome = outcome
        }
    }

    /// Why the pack was not taken; nil when it was.
    package var unpackError: String?
    /// The refs, in the order told.
    package var lines: [Line]

    /// Makes a report.
    package init(unpackError: String? = nil, lines: [Line]) {
        self.unpackError = unpackError
        self.lines = lines
    }

    /// The refs that were changed.
    package var accepted: [String] { lines.filter { $0.outcome == .ok }.map(\.ref) }

    /// Reads the packets of a report, up to and with their flush.
    /// - Throws: ``GitStoreError/malformedPacket(reason:)`` when it is something else, or incomplete.
    package static func parse(_ bytes: ByteBuffer) throws(GitStoreError) -> PushReport {
        var parser = PktLineParser()
        parser.feed(bytes)
        var report: PushReport?
        while let packet = try parser.next() {
            switch packet {
            case .data(let payload): try read(line: text(payload), into: &report)
            case .flush:
                guard let report else { throw .malformedPacket(reason: "the report is empty") }
                guard parser.pendingBytes == 0 else {
                    throw .malformedPacket(reason: "bytes follow the report")
                }
                return report
            case .delimiter, .responseEnd: throw .malformedPacket(reason: "a report has one section")
            }
        }
        throw .malformedPacket(reason: "the report is incomplete")
    }

    private static func read(line: String, into report: inout PushReport?) throws(GitStoreError) {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(
            String.init)
        guard report != nil else {
            guard words[0] == "unpack", words.count > 1 else {
                throw .malformedPacket(reason: "a report begins with \"unpack\"")
            }
            let result = words.dropFirst().joined(separator: " ")
            report = PushReport(unpackError: result == "ok" ? nil : result, lines: [])
            return
        }
        switch (words[0], words.count) {
        case ("ok", 2): report?.lines.append(Line(ref: words[1], outcome: .ok))
        case ("ng", 3): report?.lines.append(Line(ref: words[1], outcome: .refused(reason: words[2])))
        // Version 2 of the report adds lines on the ref before them, which only proc-receive hooks cause.
        case ("option", _): break
        default: throw .malformedPacket(reason: "a report has no line \"\(words[0])\"")
        }
    }

    private static func text(_ payload: ByteBuffer) -> String {
        let line = String(buffer: payload)
        return line.hasSuffix("\n") ? String(line.dropLast()) : line
    }
}
