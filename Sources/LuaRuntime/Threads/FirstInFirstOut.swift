/// A queue over an array whose consumed front is cut off now and then.
struct FirstInFirstOut<Element> {
    private var elements: [Element?] = []
    private var front = 0

    var isEmpty: Bool { front == elements.count }
    var count: Int { elements.count - front }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        guard front < elements.count else { return nil }
        let element = elements[front]
        elements[front] = nil
        front += 1
        if front == elements.count {
            elements.removeAll(keepingCapacity: true)
            front = 0
        } else if front >= 64, front * 2 >= elements.count {
            elements.removeSubrange(0..<front)
            front = 0
        }
        return element
    }
}
