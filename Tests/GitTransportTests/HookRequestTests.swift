import NIOCore
import Testing

@testable import GitTransport

@Suite struct HookRequestTests {
    private let request = HookRequest(
        secret: "s3cret", hook: "pre-receive", quarantine: "/q", options: ["ci.skip", ""],
        input: ByteBuffer(string: "a b c\n"))

    @Test func `a request is read when its last byte has come, and not before`() throws {
        let bytes = request.bytes
        for count in 0..<bytes.count {
            var part = ByteBuffer(bytes: bytes[..<count])
            #expect(try HookRequest.parse(&part) == nil)
            #expect(part.readableBytes == count)
        }
        var whole = ByteBuffer(bytes: bytes + [7])
        #expect(try HookRequest.parse(&whole) == request)
        #expect(whole.readableBytes == 1)
    }

    @Test func `lengths that no hook sends are refused as soon as they are read`() {
        let magic = Array("PGH1".utf8)
        let empty: [UInt8] = [0, 0, 0, 0]
        let large: [UInt8] = [0x7f, 0xff, 0xff, 0xff]
        let cases = [
            Array("PGH2".utf8), magic + large, magic + empty + large, magic + empty + empty + large,
            magic + empty + empty + empty + large, magic + empty + empty + empty + empty + large,
        ]
        for bytes in cases {
            var buffer = ByteBuffer(bytes: bytes)
            #expect(throws: HookRequestError.self) { try HookRequest.parse(&buffer) }
        }
    }
}
