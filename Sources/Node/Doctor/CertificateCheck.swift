import FoundationEssentials
import Mirroring
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Says what is wrong with a server's certificate, which the library only says to be wrong.
struct CertificateCheck: Sendable {
    /// What the finding is named.
    let check: String
    let address: ServerAddress
    /// What to do when the authority is not known.
    let authorityAdvice: String

    /// - Parameter authorities: A PEM file of the authorities that are trusted; nil trusts the system's.
    func run(authorities: String?) async -> DoctorFinding {
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            if let authorities {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorities))
            }
            let channel = try await connect(NIOSSLContext(configuration: configuration), nil)
            let alarm = channel.eventLoop.scheduleTask(in: .seconds(5)) { channel.close(promise: nil) }
            defer { alarm.cancel() }
            // It goes out once the two sides have agreed.
            try await channel.writeAndFlush(ByteBuffer(string: "HEAD /status HTTP/1.0\r\n\r\n")).get()
            try? await channel.close().get()
            return .ok(check, "The certificate is trusted.")
        } catch {
            return await explain(error)
        }
    }

    private func explain(_ error: any Error) async -> DoctorFinding {
        guard let chain = await chain(), let leaf = chain.first else {
            return .problem(
                check, "TLS does not come about: \(error).",
                "openssl s_client -connect \(address.authority) shows what it speaks.")
        }
        let now = time_t(Date().timeIntervalSince1970)
        if leaf.notValidAfter < now {
            return .problem(
                check, "The certificate has expired on \(Self.day(leaf.notValidAfter)).",
                "Renew the certificate of \(address.host).")
        }
        if leaf.notValidBefore > now {
            return .problem(
                check, "The certificate is good from \(Self.day(leaf.notValidBefore)) on.",
                "Check the clock of this machine, or the certificate of \(address.host).")
        }
        let names = Self.names(leaf)
        if !names.contains(where: { Self.matches($0, address.host) }) {
            let shown = names.prefix(5).joined(separator: ", ")
            return .problem(
                check, "The certificate is for \(shown.isEmpty ? "nobody" : shown), not for \(address.host).",
                "Use one of those names, or get a certificate for \(address.host).")
        }
        let alone =
            chain.count == 1
            ? ", and the server sends no other with it: it is self-signed, or what leads to it is missing"
            : ""
        return .problem(
            check, "The certificate comes from an authority that is not trusted here\(alone).",
            authorityAdvice)
    }

    /// What the server shows, believed or not.
    private func chain() async -> [NIOSSLCertificate]? {
        guard let context = try? NIOSSLContext(configuration: .makeClientConfiguration()) else { return nil }
        let shown = Shown(MultiThreadedEventLoopGroup.singleton.next().makePromise())
        guard let channel = try? await connect(context, shown) else {
            shown.done.succeed()
            return nil
        }
        let alarm = channel.eventLoop.scheduleTask(in: .seconds(5)) { shown.done.succeed() }
        channel.closeFuture.whenComplete { _ in shown.done.succeed() }
        try? await shown.done.futureResult.get()
        alarm.cancel()
        try? await channel.close().get()
        let certificates = shown.certificates
        return certificates.isEmpty ? nil : certificates
    }

    /// - Parameter shown: Takes what the server shows, and the connection ends; nil lets the library judge.
    private func connect(_ context: NIOSSLContext, _ shown: Shown?) async throws -> any Channel {
        let host = address.host
        let name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler: NIOSSLClientHandler
                    if let shown {
                        handler = try NIOSSLClientHandler(
                            context: context, serverHostname: name,
                            customVerificationCallback: { certificates, promise in
                                shown.take(certificates)
                                promise.succeed(.failed)
                            })
                    } else {
                        handler = try NIOSSLClientHandler(context: context, serverHostname: name)
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: host, port: address.port).get()
    }

    private final class Shown: Sendable {
        private let seen = Mutex<[NIOSSLCertificate]>([])
        /// Fulfilled when there is nothing more to wait for.
        let done: EventLoopPromise<Void>

        init(_ done: EventLoopPromise<Void>) { self.done = done }

        var certificates: [NIOSSLCertificate] { seen.withLock { $0 } }

        func take(_ certificates: [NIOSSLCertificate]) {
            seen.withLock { $0 = certificates }
            done.succeed()
        }
    }

    private static func names(_ certificate: NIOSSLCertificate) -> [String] {
        certificate._subjectAlternativeNames().compactMap { name in
            name.contents.withUnsafeBufferPointer { bytes -> String? in
                switch name.nameType {
                case .dnsName: return String(decoding: bytes, as: UTF8.self)
                case .ipAddress where bytes.count == 4: return bytes.map { "\($0)" }.joined(separator: ".")
                case .ipAddress where bytes.count == 16:
                    let packed = ByteBuffer(bytes: bytes)
                    return (try? SocketAddress(packedIPAddress: packed, port: 0))?.ipAddress
                default: return nil
                }
            }
        }
    }

    private static func matches(_ name: String, _ host: String) -> Bool {
        let (name, host) = (name.lowercased(), host.lowercased())
        if name == host { return true }
        guard name.hasPrefix("*."), let dot = host.firstIndex(of: ".") else { return false }
        return name.dropFirst() == host[dot...]
    }

    private static func day(_ time: time_t) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents(
            [.year, .month, .day], from: Date(timeIntervalSince1970: TimeInterval(time)))
        func two(_ number: Int?) -> String { (number ?? 0) < 10 ? "0\(number ?? 0)" : "\(number ?? 0)" }
        return "\(parts.year ?? 0)-\(two(parts.month))-\(two(parts.day))"
    }
}
