import Portable
import Testing

@Suite struct PortableValueTests {
    @Test func `accessors give a value of their kind or nothing`() {
        let value: PortableValue = ["n": 3, "d": 3.0, "h": 2.5, "s": "x", "b": true, "l": [1, 2], "z": nil]
        #expect(value["n"]?.integerValue == 3)
        #expect(value["d"]?.integerValue == 3)
        #expect(value["h"]?.integerValue == nil)
        #expect(PortableValue.double(1e300).integerValue == nil)
        #expect(PortableValue.double(.nan).integerValue == nil)
        #expect(value["n"]?.doubleValue == 3)
        #expect(value["s"]?.stringValue == "x")
        #expect(value["s"]?.boolValue == nil)
        #expect(value["b"]?.boolValue == true)
        #expect(value["l"]?[1] == 2)
        #expect(value["l"]?[2] == nil)
        #expect(value["l"]?[-1] == nil)
        #expect(value["z"]?.isNull == true)
        #expect(value["missing"] == nil)
        #expect(value["s"]?["x"] == nil)
    }

    @Test(
        arguments: [
            ("server.prot", "server.port"), ("SERVER.PORT", "server.port"),
            ("sever.adress", "server.address"), ("xy", nil),
            ("completely.else", nil), ("", nil),
        ] as [(String, String?)])
    func `the nearest word is what was probably meant, or nothing`(word: String, nearest: String?) {
        #expect(Nearest.match(word, among: ["server.port", "server.address", "ab"]) == nearest)
    }

    @Test(arguments: [
        ("server.prot", "server.port"), ("server.ssl.key", "server.ssl.certificate-private-key"),
        ("server.ssl.cert", "server.ssl.certificate"), ("server.ssl", "server.ssl.enabled"),
        ("server.ssl.certificate-file", "server.ssl.certificate"), ("serverPort", "server.port"),
        ("jdbc.url", "setup.baseUrl"), ("x", "server.port"), ("", "server.port"),
        (String(repeating: "server.ssl.", count: 200), "server.ssl.certificate-private-key"),
    ])
    func `of keys one is always the closest`(word: String, closest: String) {
        let keys = [
            "server.port", "server.ssl.enabled", "server.ssl.certificate",
            "server.ssl.certificate-private-key", "setup.baseUrl", "receive.max-size",
        ]
        #expect(Nearest.closest(word, among: keys) == closest)
        #expect(Nearest.closest(word, among: []) == nil)
    }

    @Test func `of words that are equally near the first by alphabet is proposed`() {
        #expect(Nearest.match("cat", among: ["hat", "bat", "rat"]) == "bat")
    }
}
