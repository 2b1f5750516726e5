/// One page of a list.
package struct Page<Value: Sendable>: Sendable {
    /// The values of this page, at most `limit`.
    package let values: [Value]
    /// Where the page starts, counted in values of the whole list.
    package let start: Int
    /// The limit that was applied.
    package let limit: Int
    /// Where the next page starts, or nil on the last page.
    package let nextStart: Int?

    /// Whether nothing follows.
    package var isLastPage: Bool { nextStart == nil }

    /// Makes a page from what was found.
    package init(values: [Value], start: Int, limit: Int, nextStart: Int?) {
        self.values = values
        self.start = start
        self.limit = limit
        self.nextStart = nextStart
    }

    /// Makes a page from up to `limit + 1` values: the one too many only says that another page follows.
    package init(overfetched values: [Value], request: PageRequest) {
        let more = values.count > request.limit
        self.init(
            values: more ? Array(values.prefix(request.limit)) : values, start: request.start,
            limit: request.limit, nextStart: more ? request.start + request.limit : nil)
    }

    /// Cuts a page out of a whole list.
    package init(of all: [Value], request: PageRequest) {
        self.init(
            overfetched: Array(all.dropFirst(request.start).prefix(request.limit + 1)), request: request)
    }

    /// The same page of other values.
    package func map<Other: Sendable>(_ change: (Value) throws -> Other) rethrows -> Page<Other> {
        Page<Other>(values: try values.map(change), start: start, limit: limit, nextStart: nextStart)
    }
}
