package import Foundation
import Synchronization

/// A TCP connection for raw bytes: for requests that no client would send.
///
/// Calls block a thread of their own, never the concurrency pool. One task uses a connection at a time.
package final class SocketConnection: Sendable {
    private let descriptor: Int32
    private let isClosed = Mutex(false)

    /// Connects to `port` on 127.0.0.1.
    /// - Parameter patience: How long a single read may wait before it throws.
    package static func connect(port: Int, patience: Duration = .seconds(60)) async throws -> SocketConnection
    {
        try await onThread { try SocketConnection(port: port, patience: patience) }
    }

    init(port: Int, patience: Duration) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestKitError.system(call: "socket", code: errno) }
        var limit = timeval(tv_sec: Int(patience.components.seconds), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let code = Self.withAddress(ofPort: port) { Foundation.connect(descriptor, $0, $1) }
        guard code == 0 else {
            let reason = errno
            close()
            throw TestKitError.system(call: "connect to port \(port)", code: reason)
        }
    }

    deinit { close() }

    /// A port of 127.0.0.1 that nobody uses at this moment.
    ///
    /// It is none of those that the system gives to whoever asks for any, so that nobody gets it meanwhile
    /// by chance.
    package static func freePort() throws -> Int {
        for _ in 0..<1000 {
            let port = Int.random(in: 20_000..<32_000)
            if try isFree(port) { return port }
        }
        throw TestKitError.system(call: "bind", code: EADDRINUSE)
    }

    private static func isFree(_ port: Int) throws -> Bool {
        let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { throw TestKitError.system(call: "socket", code: errno) }
        defer { Foundation.close(probe) }
        return withAddress(ofPort: port) { bind(probe, $0, $1) } == 0
    }

    private static func withAddress(
        ofPort port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// Sends all of `bytes`.
    package func send(_ bytes: Data) async throws {
        try await onThread { try self.sendBlocking(bytes) }
    }

    /// Sends all of `text` as UTF-8.
    package func send(_ text: String) async throws {
        try await send(Data(text.utf8))
    }

    /// Reads what comes next.
    /// - Returns: 1 to 64 Ki bytes; none at the end of the stream, also when the other side reset it.
    package func receive() async throws -> Data {
        try await onThread { try self.receiveBlocking() }
    }

    /// Reads until the other side closes.
    package func receiveAll() async throws -> Data {
        try await onThread {
            var all = Data()
            while true {
                let piece = try self.receiveBlocking()
                guard !piece.isEmpty else { return all }
                all.append(piece)
            }
        }
    }

    /// Reads until what came so far contains `text`, or the stream ends.
    /// - Returns: All that was read, which may go beyond `text`.
    package func receive(until text: String) async throws -> Data {
        try await onThread {
            var all = Data()
            while all.range(of: Data(text.utf8)) == nil {
                let piece = try self.receiveBlocking()
                guard !piece.isEmpty else { break }
                all.append(piece)
            }
            return all
        }
    }

    /// Ends our sending side; the other side sees the end of the stream.
    package func finishSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the connection; more calls do nothing.
    package func close() {
        let isFirst = isClosed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        if isFirst { Foundation.close(descriptor) }
    }

    /// Closes so that the other side sees a reset rather than an end.
    package func reset() {
        var lingering = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func sendBlocking(_ bytes: Data) throws {
        try bytes.withUnsafeBytes { (raw: UnsafeRawBufferPointer) in
            var rest: Slice<UnsafeRawBufferPointer> = raw[0...]
            while !rest.isEmpty {
                let slice = UnsafeRawBufferPointer(rebasing: rest)
                let count = Foundation.send(
                    descriptor, slice.baseAddress, slice.count, Int32(MSG_NOSIGNAL))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw TestKitError.system(call: "send", code: errno) }
                rest = rest.dropFirst(count)
            }
        }
    }

    func receiveBlocking() throws -> Data {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count >= 0 { return Data(buffer[..<count]) }
            switch errno {
            case EINTR: continue
            case ECONNRESET: return Data()
            default: throw TestKitError.system(call: "receive", code: errno)
            }
        }
    }
}
