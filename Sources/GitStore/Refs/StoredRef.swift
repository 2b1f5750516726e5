import Glibc
import Portable

/// A ref as one file, or one line of `packed-refs`, has it.
struct StoredRef {
    /// What it holds.
    enum Value: Hashable {
        /// An object.
        case object(ObjectID)
        /// The name of another ref.
        case symbolic(String)
        /// Nothing that git understands; such a ref still hides a packed one of its name.
        case broken
    }

    /// What is known without looking at the object.
    enum Peel: Hashable {
        /// Nothing.
        case unknown
        /// The object is no tag.
        case notATag
        /// The object is a tag of this one.
        case to(ObjectID)
    }

    /// The full name, which need not be one that git accepts.
    var name: String
    /// What it holds.
    var value: Value
    /// What is known of the object.
    var peel = Peel.unknown

    /// Reads the content of a ref's file.
    static func value(ofFile content: some Collection<UInt8>) -> Value {
        if content.starts(with: "ref:".utf8) {
            let target = content.dropFirst(4).drop(while: isSpace)
            let end = target.reversed().drop(while: isSpace).count
            let name = String(decoding: target.prefix(end), as: UTF8.self)
            return name.isEmpty ? .broken : .symbolic(name)
        }
        guard let id = ObjectID(hexBytes: content.prefix(40)) else { return .broken }
        guard content.dropFirst(40).first.map(isSpace) ?? true else { return .broken }
        return .object(id)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

/// Names of refs as git treats them: bytes, whatever they mean as text.
enum RefBytes {
    /// Whether one name comes before another in git's order.
    static func precedes(_ left: String, _ right: String) -> Bool {
        let known = left.utf8.withContiguousStorageIfAvailable { left in
            right.utf8.withContiguousStorageIfAvailable { right in compare(left, right) < 0 }
        }
        return known.flatMap { $0 } ?? left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private static func compare(
        _ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>
    ) -> Int {
        let common = min(left.count, right.count)
        if common > 0, let leftBase = left.baseAddress, let rightBase = right.baseAddress {
            let order = memcmp(leftBase, rightBase, common)
            if order != 0 { return Int(order) }
        }
        return left.count - right.count
    }

    /// Whether a name begins with these bytes.
    static func hasPrefix(_ name: String, _ prefix: String) -> Bool {
        name.utf8.count >= prefix.utf8.count && name.utf8.starts(with: prefix.utf8)
    }

    /// The first place in a list, sorted by name, whose name does not come before the given one.
    static func lowerBound<T>(_ name: String, in list: [T], name key: (T) -> String) -> Int {
        var (low, high) = (0, list.count)
        while low < high {
            let middle = low + (high - low) / 2
            if precedes(key(list[middle]), name) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Whether git accepts the name of a ref.
    /// - Source: git-check-ref-format(1).
    static func isAcceptable(_ name: String) -> Bool {
        var previous: UInt8 = 0x2F
        var component: [UInt8] = []
        let lock = Array(".lock".utf8)
        for byte in name.utf8 {
            switch byte {
            case 0...0x20, 0x7F, UInt8(ascii: "~"), UInt8(ascii: "^"), UInt8(ascii: ":"), UInt8(ascii: "?"),
                UInt8(ascii: "*"), UInt8(ascii: "["), UInt8(ascii: "\\"):
                return false
            case UInt8(ascii: "."):
                guard previous != UInt8(ascii: "."), previous != UInt8(ascii: "/") else { return false }
                component.append(byte)
            case UInt8(ascii: "/"):
                guard previous != UInt8(ascii: "/"), !component.ends(with: lock) else { return false }
                component.removeAll(keepingCapacity: true)
            case UInt8(ascii: "{"):
                guard previous != UInt8(ascii: "@") else { return false }
                component.append(byte)
            default: component.append(byte)
            }
            previous = byte
        }
        return previous != UInt8(ascii: "/") && previous != UInt8(ascii: ".") && !component.ends(with: lock)
            && name != "@"
    }
}

extension [UInt8] {
    fileprivate func ends(with other: [UInt8]) -> Bool {
        count >= other.count && suffix(other.count).elementsEqual(other)
    }
}
