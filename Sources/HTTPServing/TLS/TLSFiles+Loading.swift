import FoundationEssentials
import Glibc
import NIOSSL

extension HTTPServingConfiguration.TLSFiles {
    /// Tells whether both files can be used, before anything else is begun.
    package func check() throws(TLSFileError) { _ = try load() }

    /// Reads both files and makes of them what connections need.
    func load() throws(TLSFileError) -> NIOSSLContext {
        let chain = try loadChain()
        let key = try loadKey()
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch NIOSSLError.failedToLoadPrivateKey {
            throw .mismatch(certificate: certificateFile, privateKey: keyFile)
        } catch {
            throw .certificate(path: certificateFile, problem: "the TLS library refuses it: \(error)")
        }
    }

    private func loadChain() throws(TLSFileError) -> [NIOSSLCertificate] {
        let path = certificateFile
        let bytes: [UInt8]
        do {
            bytes = try Self.bytes(of: path)
        } catch {
            throw .certificate(path: path, problem: error.reason)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.contains("-----BEGIN CERTIFICATE-----") else {
            throw .certificate(
                path: path,
                problem: text.contains("PRIVATE KEY-----")
                    ? "holds a private key and no certificate" : "holds no certificate in PEM form")
        }
        do {
            return try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw .certificate(path: path, problem: "holds a certificate that cannot be read")
        }
    }

    private func loadKey() throws(TLSFileError) -> NIOSSLPrivateKey {
        let path = keyFile
        let bytes: [UInt8]
        do {
            bytes = try Self.bytes(of: path)
        } catch {
            throw .privateKey(path: path, problem: error.reason)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard !text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----"), !text.contains("4,ENCRYPTED") else {
            throw .privateKey(path: path, problem: "holds an encrypted key, whose password nobody can give")
        }
        guard text.contains("PRIVATE KEY-----") else {
            throw .privateKey(
                path: path,
                problem: text.contains("-----BEGIN CERTIFICATE-----")
                    ? "holds a certificate and no private key" : "holds no private key in PEM form")
        }
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw .privateKey(path: path, problem: "holds a key that cannot be read")
        }
    }

    private struct ReadFailure: Error { let reason: String }

    private static let bytesMax = 4 * 1024 * 1024

    private static func bytes(of path: String) throws(ReadFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ReadFailure(reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ReadFailure(reason: String(cString: strerror(errno))) }
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= bytesMax else { throw ReadFailure(reason: "is larger than 4 MiB") }
        }
    }
}
