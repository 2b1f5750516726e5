/// Why the files for TLS cannot be used; each problem is a clause for the operator, without a full stop.
package enum TLSFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file of the certificate chain cannot be used.
    case certificate(path: String, problem: String)
    /// The file of the private key cannot be used.
    case privateKey(path: String, problem: String)
    /// Each file is fine, but the key is not that of the chain's first certificate.
    case mismatch(certificate: String, privateKey: String)

    /// The clause for logs.
    package var description: String {
        switch self {
        case .certificate(let path, let problem): "certificate \(path): \(problem)"
        case .privateKey(let path, let problem): "private key \(path): \(problem)"
        case .mismatch(let certificate, let privateKey):
            "private key \(privateKey) is not that of certificate \(certificate)"
        }
    }
}
