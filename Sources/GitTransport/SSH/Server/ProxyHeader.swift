import Glibc

/// The header by which a balancer tells the address of the client, in either version of the PROXY protocol.
///
/// - Source: "The PROXY protocol, versions 1 & 2".
enum ProxyHeader {
    /// What the first bytes come to.
    enum Reading: Equatable {
        /// More bytes are needed.
        case incomplete
        /// The client's address, empty when the header tells none; and how many bytes the header has.
        case complete(address: String, bytes: Int)
        /// They are no such header.
        case wrong
    }

    /// The longest header that is read; version 2 may be longer by what nobody here needs.
    static let bytesMax = 536
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    /// Reads the header, and not a byte more. Blocks.
    /// - Returns: The client's address; nil when there is no header in time, or `wake` becomes readable.
    static func read(from socket: CInt, until deadline: ContinuousClock.Instant, wake: CInt) -> String? {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        var seen = 0
        while true {
            let rest = (deadline - ContinuousClock.now).components
            guard rest.seconds >= 0, rest.attoseconds >= 0 else { return nil }
            var polled = [
                pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            // What was peeked at stays readable, so a header that comes in parts is looked at now and again.
            let pause = seen > 0 ? 20 : CInt(clamping: rest.seconds * 1000 + 1)
            if seen > 0 { _ = poll(&polled[1], 1, pause) } else { _ = poll(&polled, 2, pause) }
            guard polled[1].revents == 0 else { return nil }
            let count = recv(socket, &bytes, bytesMax, CInt(MSG_PEEK))
            guard count > 0 else {
                if count < 0, errno == EAGAIN || errno == EINTR { continue }
                return nil
            }
            switch parse(bytes[..<count]) {
            case .wrong: return nil
            case .complete(let address, let length):
                return recv(socket, &bytes, length, 0) == length ? address : nil
            case .incomplete:
                guard count < bytesMax else { return nil }
                seen = count
            }
        }
    }

    /// Reads the header at the beginning of the bytes.
    static func parse(_ bytes: ArraySlice<UInt8>) -> Reading {
        if bytes.starts(with: signature.prefix(bytes.count)) { return parseBinary(Array(bytes)) }
        let begin = Array("PROXY ".utf8)
        guard bytes.starts(with: begin.prefix(bytes.count)) else { return .wrong }
        guard let end = bytes.prefix(107).firstIndex(of: 10) else {
            return bytes.count < 107 ? .incomplete : .wrong
        }
        let line = String(decoding: bytes[..<end], as: UTF8.self)
        guard line.hasSuffix("\r") else { return .wrong }
        let words = line.dropLast().split(separator: " ", omittingEmptySubsequences: false)
        let length = end - bytes.startIndex + 1
        switch (words.count, words.dropFirst().first) {
        case (_, "UNKNOWN"): return .complete(address: "", bytes: length)
        case (6, "TCP4"), (6, "TCP6"):
            let address = String(words[2])
            let isAddress = address.utf8.allSatisfy { "0123456789abcdefABCDEF:.".utf8.contains($0) }
            return isAddress && !address.isEmpty ? .complete(address: address, bytes: length) : .wrong
        default: return .wrong
        }
    }

    private static func parseBinary(_ bytes: [UInt8]) -> Reading {
        guard bytes.count >= 16 else { return .incomplete }
        guard bytes[12] >> 4 == 2 else { return .wrong }
        let length = 16 + (Int(bytes[14]) << 8) + Int(bytes[15])
        guard length <= bytesMax else { return .wrong }
        guard bytes.count >= length else { return .incomplete }
        switch (bytes[12] & 15, bytes[13] >> 4) {
        case (0, _): return .complete(address: "", bytes: length)  // the balancer asks for itself
        case (1, 1) where length >= 28:
            return .complete(address: bytes[16..<20].map(String.init).joined(separator: "."), bytes: length)
        case (1, 2) where length >= 52:
            return .complete(address: SSHAddress.ipv6Text(bytes[16..<32]), bytes: length)
        case (1, _): return .complete(address: "", bytes: length)
        default: return .wrong
        }
    }
}
