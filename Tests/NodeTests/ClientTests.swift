import Testing

@testable import Node

@Suite struct ClientTests {
    @Test func `addresses are taken apart`() throws {
        let plain = try ServerAddress("http://127.0.0.1:7990")
        #expect(plain.host == "127.0.0.1" && plain.port == 7990 && !plain.isTLS && plain.path.isEmpty)
        let tls = try ServerAddress("https://git.example.org/base/")
        #expect(tls.host == "git.example.org" && tls.port == 443 && tls.isTLS && tls.path == "/base")
        let v6 = try ServerAddress("http://[::1]:80")
        #expect(v6.host == "::1" && v6.port == 80 && v6.authority == "[::1]:80")
    }

    @Test(arguments: [
        "", "git.example.org", "ftp://x", "http://", "http://a:0", "http://a:b", "http://u@h", "http://a b",
    ])
    func `what is no address is refused`(text: String) {
        #expect(throws: NodeClientError.self) { try ServerAddress(text) }
    }

    @Test func `answers are read with and without chunks`() throws {
        let plain = try SimpleAnswer(Array("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody".utf8), url: "")
        #expect(plain.status == 200 && plain.body == Array("body".utf8))
        let chunked = "HTTP/1.1 404 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"
        #expect(try SimpleAnswer(Array(chunked.utf8), url: "").body == Array("abcde".utf8))
    }

    @Test(arguments: [
        "", "SSH-2.0-x\r\n\r\n", "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc",
    ])
    func `an answer that is cut short or no HTTP is an error`(text: String) {
        #expect(throws: NodeClientError.self) { try SimpleAnswer(Array(text.utf8), url: "") }
    }
}
