import FoundationEssentials

/// How a push proves itself to a foreign server, and how that server does.
package struct RemoteLogin: Sendable {
    /// Over HTTP: the user.
    package var username = ""
    /// Over HTTP: the password or token.
    package var password = ""
    /// Over SSH: a private key as OpenSSH writes it, without a passphrase.
    package var privateKey = ""
    /// Over SSH: lines such as `ssh-ed25519 AAAA...`, as `ssh-keyscan` gives them or without the host.
    package var hostKeys: [String] = []
    /// Over HTTPS: the authorities to believe, in PEM; those of the system when empty.
    package var certificateAuthorities = ""

    /// Nobody.
    package init() {}

    /// Whether anything is to be shown over HTTP.
    var hasPassword: Bool { !username.isEmpty || !password.isEmpty }

    /// The value of the `Authorization` field.
    var basic: String { "Basic " + Data("\(username):\(password)".utf8).base64EncodedString() }

    /// A text from outside without what is secret, and without control characters but line ends.
    func redacted(_ text: String) -> String {
        var text = String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0 == "\n" || !($0.properties.generalCategory == .control) }))
        let secrets = [String(basic.dropFirst(6)), password, Self.percentEncoded(password)]
        for secret in secrets where hasPassword && !secret.isEmpty {
            text = text.replacing(secret, with: "***")
        }
        return text
    }

    private static func percentEncoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch UnicodeScalar(byte) {
            case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~": String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
