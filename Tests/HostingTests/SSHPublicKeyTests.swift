import Testing

@testable import Hosting

@Suite struct SSHPublicKeyTests {
    /// Keys as `ssh-keygen` wrote them, with what `ssh-keygen -l` says of them.
    private static let known: [(text: String, bits: Int, fingerprint: String, comment: String?)] = [
        (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+icmC2vHZPCB3lfIyA3rwVDqOzHpwYQfNqbdzgVA3/ c ed25519",
            256, "SHA256:Ltfv8wu5pHxjfa+JXJdC38RT35y4VUqvCOHZ0rjnsJs", "c ed25519"
        ),
        (
            "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBDKQq+F6TdbXdu3Lgb"
                + "utPmUxraxHjq3mLLEDTA3qzG59EHy0vNXR0wOwfveX04pI8m1RidmxL7ZSFHH4N2eVdgYT56CvRFfIbbfg2rLuOd+l"
                + "HGUCT8RuMMSHBgK50Oo5Tg== c ecdsa",
            384, "SHA256:KwLXXRvhHVc+uJl6rABZOCvp1BfVkY2398upb9tNH64", "c ecdsa"
        ),
        (
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC8AHtR1og0keSdBF+mI/Jcb9ckpoBKSKqTBQuGsBMUoRNPb8mu/y"
                + "CAbmzplCuyhVCJ9HnRqjRnJRjQM9PEsiZ9mu8NJAGEsvKrBpTIw29CaBdeo79xe5RKsLP5cL0Z2bw5EXHkMz+6GV6D"
                + "xccAmesYQLSjjQEvRbVVxvHtSrnLp5N2OGjCnW26DYe1Hfz7iE0J+PJ0b0uzLiLssC7m+/Xmu40azW1f56MmHL3a1w"
                + "h5lfJDyYD/nUOoM2A/K90gDSMa97/K6JxVEkLVFa1bhhTeDTyXvVd018invJJvq/5EzqzBR36F5zCc+5urg3wlpWwc"
                + "N72Jm27yWdo1Kinp91iJ",
            2048, "SHA256:W039u9F6hOLIZQrXjQHWD972JP1QibgR+h7oOAkKC04", nil
        ),
        (
            "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAECAwQFBgcICQoLDA0"
                + "ODxAREhMUFRYXGBkaGxwdHh8gAAAABHNzaDo= me@key",
            256, "SHA256:nX0hpi5mKbTIJ10yBq5/sLQhiI1Y0RBAqN0drDdgJWs", "me@key"
        ),
        (
            "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAA"
                + "IbmlzdHAyNTYAAABBBPnVxt4N6toyvF/oRgDXBnAwPkWOQ2tJkWZzofTKyEP8FnqWtbeOMlI3yAiDDzCsi19gDcmly"
                + "Z0Xc9/tZHMzi7oAAAAEc3NoOg==",
            256, "SHA256:NHrsaBa2OKs7hoE2IjDxrlWlZizNuewigZRWe7U8Aek", nil
        ),
    ]

    @Test func `every kind is read as ssh-keygen reads it`() throws {
        for (text, bits, fingerprint, comment) in Self.known {
            let key = try SSHPublicKey(text)
            #expect(key.bitLength == bits)
            #expect(key.fingerprint == fingerprint)
            #expect(key.comment == comment)
            #expect(text.hasPrefix(key.text))
            #expect(try SSHPublicKey("  " + text + "\n") == key)
        }
    }

    @Test func `a key with a part missing, or more after it, is refused`() throws {
        for (text, _, _, _) in Self.known {
            let words = text.split(separator: " ")
            let (name, base64) = (String(words[0]), String(words[1]))
            for count in stride(from: 0, to: base64.count, by: 4) {
                #expect(throws: HostingError.self) { try SSHPublicKey("\(name) \(base64.prefix(count))") }
            }
            if !base64.hasSuffix("=") {
                #expect(throws: HostingError.self) { try SSHPublicKey("\(name) \(base64)AAAA") }
            }
            #expect(throws: HostingError.self) { try SSHPublicKey("ssh-other \(base64)") }
            #expect(throws: HostingError.self) { try SSHPublicKey(base64) }
        }
    }

    @Test(arguments: ["", " ", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 =", "ssh-ed25519 AAAA", "\0 \0"])
    func `what is no key is refused`(text: String) {
        #expect(throws: HostingError.self) { try SSHPublicKey(text) }
    }
}
