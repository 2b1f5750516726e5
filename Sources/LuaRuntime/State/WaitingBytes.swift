import Synchronization

/// The encoded arguments of the host calls of one state that wait, also of those whose runs have ended and
/// whose work has not: what a plugin keeps in the host's memory, where its own limit does not hold.
final class WaitingBytes: Sendable {
    /// One call's part, for as long as something refers to it.
    final class Share: Sendable {
        private let total: WaitingBytes
        private let count: Int

        fileprivate init(_ total: WaitingBytes, _ count: Int) {
            (self.total, self.count) = (total, count)
        }

        deinit {
            total.count.subtract(count, ordering: .relaxed)
        }
    }

    private let count = Atomic<Int>(0)
    private let countMax: Int

    init(countMax: Int) {
        self.countMax = countMax
    }

    /// Nil when that is too much. Asked by one thread at a time; what carries nothing is never too much.
    func share(_ more: Int) -> Share? {
        guard more <= max(0, countMax - count.load(ordering: .relaxed)) || more == 0 else { return nil }
        count.add(more, ordering: .relaxed)
        return Share(self, more)
    }

    /// What the caller is told.
    func refusal(of path: String) -> LuaHostError {
        .misuse(
            "\(path): calls of this plugin that wait hold too much data (at most \(countMax) bytes "
                + "together); make fewer of them at a time")
    }
}
