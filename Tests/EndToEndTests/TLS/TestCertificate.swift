import Foundation
import NodeTestKit

/// A certificate for 127.0.0.1 with its key, signed by an authority of its own; all made by `openssl`.
struct TestCertificate: Sendable {
    /// The authority's own certificate, which clients are told to trust.
    let authority: String
    /// The server's certificate and the authority's, in this order.
    let chain: String
    /// The server's private key.
    let key: String

    private static let script = """
        set -e
        cd "$1"; shift
        openssl req -x509 "$@" -nodes -days 2 -subj '/CN=Test authority' -keyout authority.key \
            -out authority.pem
        openssl req "$@" -nodes -subj /CN=localhost -keyout key.pem -out request.pem
        echo 'subjectAltName=IP:127.0.0.1,DNS:localhost' > names
        openssl x509 -req -in request.pem -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
            -extfile names -out server.pem
        cat server.pem authority.pem > chain.pem
        """

    /// Makes the files in `folder`.
    /// - Parameter kind: Arguments of `openssl req` that choose the kind of key.
    static func make(
        in folder: String, kind: [String] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    ) async throws -> TestCertificate {
        try await sh(script, [folder] + kind)
        return TestCertificate(
            authority: "\(folder)/authority.pem", chain: "\(folder)/chain.pem", key: "\(folder)/key.pem")
    }

    /// Runs a script of the shell, which must succeed.
    static func sh(_ script: String, _ arguments: [String]) async throws {
        let outcome = try await ChildProcess.run(
            ["sh", "-c", script, "sh"] + arguments, environment: Executable.environment)
        guard outcome.succeeded else { throw TestKitError.command(line: script, outcome: outcome) }
    }

    /// The keys that make a node serve with it.
    var properties: [String: String] {
        [
            "server.ssl.enabled": "true", "server.ssl.certificate": chain,
            "server.ssl.certificate-private-key": key,
        ]
    }
}
