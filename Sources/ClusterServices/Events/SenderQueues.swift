internal import Portable

/// Events in memory on their way to one subscriber: a bounded queue per sender, served in turn, so that
/// one that floods crowds out no other.
struct SenderQueues {
    private struct Queue {
        let sender: String
        var items: [(event: Event, receipt: EventReceipt)] = []
        var bytes = 0
    }

    /// What one sender may have waiting, in bytes.
    static let bytesMax = 16 * 1024 * 1024
    private var queues: [Queue] = []
    private var turn = 0
    private(set) var count = 0

    /// - Returns: Whether there was room.
    mutating func add(_ event: Event, _ receipt: EventReceipt, from sender: String, countMax: Int) -> Bool {
        let index = queues.firstIndex { $0.sender == sender } ?? queues.endIndex
        if index == queues.endIndex { queues.append(Queue(sender: sender)) }
        let bytes = event.payload.roughBytes
        let isEmpty = queues[index].items.isEmpty
        guard queues[index].items.count < countMax, isEmpty || queues[index].bytes + bytes <= Self.bytesMax
        else { return false }
        queues[index].items.append((event, receipt))
        queues[index].bytes += bytes
        count += 1
        return true
    }

    /// The oldest of the sender whose turn it is.
    mutating func removeNext() -> (event: Event, receipt: EventReceipt)? {
        guard !queues.isEmpty else { return nil }
        turn = turn < queues.count ? turn : 0
        let item = queues[turn].items.removeFirst()
        count -= 1
        if queues[turn].items.isEmpty {
            queues.remove(at: turn)
        } else {
            queues[turn].bytes -= item.event.payload.roughBytes
            turn += 1
        }
        return item
    }

    /// Everything, oldest first within a sender.
    mutating func removeAll() -> [(event: Event, receipt: EventReceipt)] {
        defer { self = SenderQueues() }
        return queues.flatMap(\.items)
    }
}
