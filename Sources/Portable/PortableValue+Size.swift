extension PortableValue {
    /// About how much memory it takes, in bytes.
    package var roughBytes: Int {
        switch self {
        case .null, .bool, .integer, .double: 32
        case .string(let text): 32 + text.utf8.count
        case .bytes(let bytes): 32 + bytes.count
        case .list(let items): items.reduce(32) { $0 + $1.roughBytes }
        case .map(let members): members.reduce(64) { $0 + 32 + $1.key.utf8.count + $1.value.roughBytes }
        }
    }
}
