import Glibc
import NIOPosix

/// An IP address.
package struct NetworkAddress: Sendable, Hashable {
    /// 4 or 16 bytes.
    let bytes: [UInt8]

    /// Reads the usual form of an address; nil when it is none.
    package init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.bytes = Array(bytes[..<4])
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.bytes = bytes
        } else {
            return nil
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Whether it is an IPv6 address.
    var isVersion6: Bool { bytes.count == 16 }

    /// Its usual form.
    package var text: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let length = socklen_t(buffer.count)
        guard inet_ntop(isVersion6 ? AF_INET6 : AF_INET, bytes, &buffer, length) != nil else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether it is an address of the public Internet. All else leads into somebody's own network, to this
    /// machine, or nowhere.
    /// - Source: IANA's registries of special-purpose addresses for IPv4 and IPv6.
    package var isPublic: Bool {
        // Of IPv6 only 2000::/3 is given out; addresses that wrap IPv4 ones are outside, or in the list.
        if isVersion6, bytes[0] & 0xE0 != 0x20 { return false }
        return !Self.special.contains { $0.contains(self) }
    }

    private static let special = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16",
        "3fff::/20",
    ].compactMap(AddressNetwork.init)

    /// The addresses of a name, in the order in which the system would try them; none when it has none.
    package static func addresses(of host: String) async throws -> [NetworkAddress] {
        if let literal = NetworkAddress(host) { return [literal] }
        // Not on the threads that read repositories: a name server that does not answer takes long.
        return try await NIOThreadPool.singleton.runIfActive { lookUp(host) }
    }

    private static func lookUp(_ host: String) -> [NetworkAddress] {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [NetworkAddress] = []
        var next = list
        while let entry = next?.pointee, found.count < 16 {
            next = entry.ai_next
            guard let start = entry.ai_addr else { continue }
            let raw = UnsafeRawBufferPointer(start: start, count: Int(entry.ai_addrlen))
            // Read as bytes, because the types' own module depends on what else is imported: the family and
            // the port, with IPv6 four bytes more, and the address.
            let (offset, count) = entry.ai_family == AF_INET ? (4, 4) : (8, 16)
            guard [AF_INET, AF_INET6].contains(entry.ai_family), raw.count >= offset + count else { continue }
            let bytes = Array(raw[offset..<offset + count])
            let address = NetworkAddress(bytes: bytes)
            if !found.contains(address) { found.append(address) }
        }
        return found
    }
}

/// A range of addresses: `10.0.0.0/8`, or one address.
package struct AddressNetwork: Sendable, Hashable {
    private let start: NetworkAddress
    private let bits: Int

    /// Nil when the text is neither an address nor one with a number of bits.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let start = NetworkAddress(String(first)) else { return nil }
        let most = start.bytes.count * 8
        guard let bits = parts.count == 2 ? Int(parts[1]) : most, (0...most).contains(bits) else {
            return nil
        }
        self.start = start
        self.bits = bits
    }

    /// Whether the address is in the range; never of the other version.
    package func contains(_ address: NetworkAddress) -> Bool {
        guard address.bytes.count == start.bytes.count else { return false }
        for (index, byte) in start.bytes.enumerated() {
            let left = bits - index * 8
            guard left > 0 else { return true }
            let mask: UInt8 = left >= 8 ? 0xFF : 0xFF << UInt8(8 - left)
            if (byte ^ address.bytes[index]) & mask != 0 { return false }
        }
        return true
    }
}
