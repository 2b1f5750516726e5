/// Which part of a list a caller wants.
package struct PageRequest: Sendable, Hashable {
    /// How many values come before the page; 0 or more, at most ``startMax``.
    package let start: Int
    /// How many values the page holds at most; 1 to the maximum of the resource.
    package let limit: Int

    /// What lists hold when nothing is asked for.
    package static let limitDefault = 25
    /// What lists hold at most; asking for more is silently lowered, as clients expect.
    package static let limitMax = 1000
    /// The furthest start: small enough that no sum of start and limit can overflow.
    package static let startMax = Int(Int32.max)

    /// Takes any numbers: negative ones become the smallest allowed, too large ones the largest.
    package init(start: Int = 0, limit: Int = PageRequest.limitDefault, limitMax: Int = PageRequest.limitMax)
    {
        self.start = min(max(start, 0), Self.startMax)
        self.limit = min(max(limit, 1), max(limitMax, 1))
    }
}
