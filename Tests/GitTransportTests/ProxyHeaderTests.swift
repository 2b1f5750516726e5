import Testing

@testable import GitTransport

@Suite struct ProxyHeaderTests {
    private func text(_ line: String) -> [UInt8] { Array(line.utf8) }
    private let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    @Test func `version 1 tells an address`() {
        let line = text("PROXY TCP4 192.0.2.1 198.51.100.1 4000 7999\r\n")
        #expect(ProxyHeader.parse(line[...]) == .complete(address: "192.0.2.1", bytes: line.count))
        let more = line + text("SSH-2.0-x\r\n")
        #expect(ProxyHeader.parse(more[...]) == .complete(address: "192.0.2.1", bytes: line.count))
        let six = text("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n")
        #expect(ProxyHeader.parse(six[...]) == .complete(address: "2001:db8::1", bytes: six.count))
        let unknown = text("PROXY UNKNOWN\r\n")
        #expect(ProxyHeader.parse(unknown[...]) == .complete(address: "", bytes: unknown.count))
    }

    @Test func `version 2 tells an address`() {
        let four = signature + [0x21, 0x11, 0, 12, 192, 0, 2, 9, 1, 2, 3, 4, 0, 1, 0, 2]
        #expect(ProxyHeader.parse(four[...]) == .complete(address: "192.0.2.9", bytes: 28))
        let address: [UInt8] = [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [5]
        let six = signature + [0x21, 0x21, 0, 36] + address + [UInt8](repeating: 0, count: 20)
        #expect(ProxyHeader.parse(six[...]) == .complete(address: "2001:db8::5", bytes: 52))
        let local = signature + [0x20, 0, 0, 0]
        #expect(ProxyHeader.parse(local[...]) == .complete(address: "", bytes: 16))
    }

    @Test func `every beginning of a header waits for its rest`() {
        for whole in [
            text("PROXY TCP4 192.0.2.1 198.51.100.1 4000 7999\r\n"),
            signature + [0x21, 0x11, 0, 12, 192, 0, 2, 9, 1, 2, 3, 4, 0, 1, 0, 2],
        ] {
            for count in 1..<whole.count { #expect(ProxyHeader.parse(whole[..<count]) == .incomplete) }
        }
    }

    @Test func `anything else is no header`() {
        let cases = [
            text("SSH-2.0-OpenSSH\r\n"), text("PROXY TCP4 a;b c 1 2\r\n"), text("PROXY TCP4 1.2.3.4\r\n"),
            text("PROXY TCP4 192.0.2.1 198.51.100.1 4000 7999\n"),
            text("PROXY " + String(repeating: "x", count: 200)), signature + [0x31, 0x11, 0, 12],
            signature + [0x21, 0x11, 0xff, 0xff], signature + [0x25, 0x11, 0, 0],
        ]
        for bytes in cases { #expect(ProxyHeader.parse(bytes[...]) == .wrong, "\(bytes)") }
    }
}
