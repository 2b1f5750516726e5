import GitStore
import Portable
import Testing

@Suite struct RemoteAddressTests {
    @Test(
        arguments: [
            ("https://Git.Example.com/team/app.git", "https://git.example.com/team/app.git"),
            ("https://git.example.com:8443/a%20b", nil),
            ("https://git.example.com:8443/a%C3%A9/b", "https://git.example.com:8443/a%C3%A9/b"),
            ("ssh://host/~me/app", "ssh://git@host/~me/app"),
            ("ssh://me@[2001:DB8::1]:2222/app", "ssh://me@[2001:db8::1]:2222/app"),
            ("http://192.0.2.7/x", "http://192.0.2.7/x"),
            ("ext::sh -c id", nil), ("ext::sh", nil), ("file:///etc", nil), ("/etc", nil),
            ("git://host/x", nil),
            ("-oProxyCommand=id", nil), ("--upload-pack=id", nil), ("ssh://-oProxyCommand=id/x", nil),
            ("ssh://-l@host/x", nil), ("ssh://a:b@host/x", nil), ("https://name:secret@host/x", nil),
            ("https://host", nil), ("https://host/", nil), ("https:///x", nil), ("https://host\r\n/x", nil),
            ("https://host/x\nfoo", nil), ("https://host/x%0aHost:y", nil), ("https://host/x%", nil),
            ("https://host/x?y=z", nil), ("https://host/x#y", nil), ("https://host\\@evil/x", nil),
            ("https://host:0/x", nil), ("https://host:65536/x", nil), ("https://host:/x", nil),
            ("https://0x7f.1/x", nil), ("https://127.1/x", nil), ("https://2130706433/x", nil),
            ("https://0177.0.0.1/x", nil), ("https://localhost./x", nil), ("https://[::1/x", nil),
            ("https://[fe80::1%25eth0]/x", nil), ("https://hö.example/x", nil), ("git@host:x", nil),
        ] as [(String, String?)])
    func `an address is plain, or none`(text: String, url: String?) throws {
        guard let url else {
            do {
                let address = try RemoteAddress(text)
                Issue.record("\(text) became \(address.url)")
            } catch GitStoreError.remoteRefused(let reason) {
                #expect(!reason.contains("secret"))
            }
            return
        }
        #expect(try RemoteAddress(text).url == url)
    }

    @Test(arguments: [
        ("8.8.8.8", true), ("2606:4700::1111", true), ("127.0.0.1", false), ("0.0.0.0", false),
        ("10.9.8.7", false), ("172.16.0.1", false), ("172.32.0.1", true), ("192.168.1.1", false),
        ("100.64.0.1", false), ("169.254.169.254", false), ("224.0.0.1", false), ("255.255.255.255", false),
        ("::1", false), ("::", false), ("::ffff:8.8.8.8", false), ("64:ff9b::8.8.8.8", false),
        ("fe80::1", false), ("fd00::1", false), ("2002:7f00:1::", false), ("2001::1", false),
        ("2001:db8::1", false), ("ff02::1", false),
    ])
    func `only addresses of the public Internet are public`(text: String, isPublic: Bool) throws {
        #expect(try #require(NetworkAddress(text)).isPublic == isPublic)
    }

    @Test func `a network holds its addresses alone`() throws {
        let network = try #require(AddressNetwork("10.1.128.0/17"))
        #expect(network.contains(try #require(NetworkAddress("10.1.200.7"))))
        #expect(!network.contains(try #require(NetworkAddress("10.1.127.255"))))
        #expect(!network.contains(try #require(NetworkAddress("::ffff:10.1.200.7"))))
        #expect(try #require(AddressNetwork("::1")).contains(try #require(NetworkAddress("0::1"))))
        for text in ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0", "x", ""] {
            #expect(AddressNetwork(text) == nil, "\(text)")
        }
    }

    @Test func `a name that leads to this machine is looked up and known as such`() async throws {
        let found = try await NetworkAddress.addresses(of: "localhost")
        let loopbacks = [try #require(NetworkAddress("127.0.0.1")), try #require(NetworkAddress("::1"))]
        #expect(!found.isEmpty && found.allSatisfy { loopbacks.contains($0) && !$0.isPublic })
        let none = try await NetworkAddress.addresses(of: "nowhere.invalid")
        #expect(none.isEmpty)
    }

    @Test func `patterns of hosts mean what they say`() throws {
        #expect(try #require(HostPattern("*")).matches("anything.example"))
        let below = try #require(HostPattern("*.Example.com"))
        #expect(below.matches("git.example.com") && below.matches("a.b.example.com"))
        #expect(
            !below.matches("example.com") && !below.matches("badexample.com")
                && !below.matches(".example.com"))
        #expect(try #require(HostPattern("git.example.com")).matches("git.example.com"))
        for text in ["", "*.", "**", "a b", "https://a", "a/b", "-a", "*a"] {
            #expect(HostPattern(text) == nil, "\(text)")
        }
    }

    @Test(arguments: [
        "", "heads/x", "refs/heads/*/*", "refs/heads/a:b", "--mirror", "^", "refs/perigee/x", "*",
    ])
    func `what is no pattern of refs is refused`(text: String) {
        #expect(throws: GitStoreError.invalidName(text)) { try RefSelection([text]) }
    }
}
