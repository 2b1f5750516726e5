import FoundationEssentials
import Mirroring
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Says what is wrong with a server's certificate, which the library only says to be wrong.
struct CertificateCheck: Sendable {
    let address: ServerAddress

    /// - Returns: nil when the certificate cannot be seen.
    func explain(_ error: PeerError, _ probe: ServerProbe) async -> DoctorFinding? {
        let check = "\(probe.name) tls"
        guard let chain = await chain(), let leaf = chain.first else {
            if case .tls(_, let reason) = error {
                return .problem(
                    check, "TLS does not come about: \(reason).",
                    "openssl s_client -connect \(address.authority) shows what it speaks.")
            }
            return nil
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
            probe.authorityAdvice)
    }

    /// What the server shows, believed or not.
    private func chain() async -> [NIOSSLCertificate]? {
        let seen = Mutex<[NIOSSLCertificate]>([])
        let holder = Holder(seen: seen)
        guard let context = try? NIOSSLContext(configuration: .makeClientConfiguration()) else { return nil }
        let done = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        let host = address.host
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(
                        context: context, serverHostname: isAddress ? nil : host,
                        customVerificationCallback: { certificates, promise in
                            holder.set(certificates)
                            promise.succeed(.failed)
                            done.succeed()
                        })
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        guard let channel = try? await bootstrap.connect(host: host, port: address.port).get() else {
            done.succeed()
            return nil
        }
        let alarm = channel.eventLoop.scheduleTask(in: .seconds(5)) { done.succeed() }
        channel.closeFuture.whenComplete { _ in done.succeed() }
        try? await done.futureResult.get()
        alarm.cancel()
        try? await channel.close().get()
        let certificates = holder.certificates
        return certificates.isEmpty ? nil : certificates
    }

    private final class Holder: Sendable {
        private let seen: Mutex<[NIOSSLCertificate]>
        init(seen: consuming sending Mutex<[NIOSSLCertificate]>) { self.seen = seen }
        func set(_ certificates: [NIOSSLCertificate]) { seen.withLock { $0 = certificates } }
        var certificates: [NIOSSLCertificate] { seen.withLock { $0 } }
    }

    private static func names(_ certificate: NIOSSLCertificate) -> [String] {
        certificate._subjectAlternativeNames().compactMap { name in
            name.contents.withUnsafeBufferPointer { bytes -> String? in
                switch name.nameType {
                case .dnsName: return String(decoding: bytes, as: UTF8.self)
                case .ipAddress where bytes.count == 4: return bytes.map { "\($0)" }.joined(separator: ".")
                case .ipAddress where bytes.count == 16:
                    var buffer = ByteBuffer(bytes: bytes)
                    return
                        (try? SocketAddress(packedIPAddress: buffer.readSlice(length: 16) ?? buffer, port: 0))?
                        .ipAddress
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
