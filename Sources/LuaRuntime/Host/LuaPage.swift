package import Portable

/// One page of a generator.
package struct LuaPage: Sendable {
    /// What the loop gets, in order; none may be null.
    package let items: [PortableValue]
    /// Given back to ask for the next page; nil after the last one.
    package let next: PortableValue?
    /// Whether each item is a list whose elements become the loop's variables (`for key, value in ...`).
    package let itemsAreTuples: Bool

    /// - Parameter next: Plain data within the limits of values.
    package init(items: [PortableValue], next: PortableValue?, itemsAreTuples: Bool = false) {
        self.items = items
        self.next = next
        self.itemsAreTuples = itemsAreTuples
    }
}
