import Foundation
import Synchronization

/// A TCP proxy on 127.0.0.1 that can misbehave as networks do.
package final class TCPProxy: Sendable {
    /// What it does with bytes and new connections.
    package enum Behaviour: Sendable, Equatable {
        /// Passes everything on.
        case forward
        /// Keeps connections open, takes new ones, and passes nothing on: a cable that is pulled.
        case blackHole
        /// Resets every connection, and every new one.
        case reset
        /// Passes everything on after a pause.
        case delay(Duration)
    }

    /// The port that it listens on.
    package let port: Int
    private let listener: Int32
    private let target: Mutex<Int>
    private let state = Mutex(State())

    private struct State {
        var behaviour = Behaviour.forward
        var pairs: [Int: (client: Int32, server: Int32)] = [:]
        var next = 0
        var isClosed = false
    }

    /// Starts a proxy.
    /// - Parameter target: The port on 127.0.0.1 that it passes on to.
    package init(to target: Int) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else { throw TestKitError.system(call: "socket", code: errno) }
        self.listener = listener
        self.target = Mutex(target)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = Self.address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && Foundation.listen(listener, 64) == 0
                    ? getsockname(listener, pointer, &length) : -1
            }
        }
        guard code == 0 else { throw TestKitError.system(call: "listen", code: errno) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [weak self, listener] in
            while true {
                let client = accept(listener, nil, nil)
                if client < 0, errno == EINTR || errno == ECONNABORTED { continue }
                guard client >= 0, let self, !self.state.withLock({ $0.isClosed }) else {
                    if client >= 0 { Foundation.close(client) }
                    Foundation.close(listener)
                    return
                }
                self.take(client)
            }
        }
    }

    deinit { close() }

    /// What it does from now on, with open connections too.
    package func behave(_ behaviour: Behaviour) {
        state.withLock { $0.behaviour = behaviour }
        if behaviour == .reset { resetAll() }
    }

    /// Passes new connections on to another port.
    package func redirect(to port: Int) { target.withLock { $0 = port } }

    /// How many connections it holds.
    package var connections: Int { state.withLock { $0.pairs.count } }

    /// Ends all connections and the listening; a connection to it is refused from then on.
    package func close() {
        let wasClosed = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed
        }
        guard !wasClosed else { return }
        resetAll()
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private var behaviour: Behaviour { state.withLock { $0.behaviour } }

    private func take(_ client: Int32) {
        if behaviour == .reset { return Self.reset(client) }
        // A black hole answers nobody: the connection is made, by the system, and nothing comes of it.
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = Self.address(target.withLock { $0 })
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            Foundation.close(server)
            return Self.reset(client)
        }
        let id = state.withLock { state in
            state.next += 1
            state.pairs[state.next] = (client, server)
            return state.next
        }
        Thread.detachNewThread { [weak self] in Self.carry(client, server, id, self) }
    }

    /// Carries bytes both ways until one side ends.
    private static func carry(_ client: Int32, _ server: Int32, _ id: Int, _ proxy: TCPProxy?) {
        weak let proxy = proxy
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var polled = [
            pollfd(fd: client, events: Int16(POLLIN), revents: 0),
            pollfd(fd: server, events: Int16(POLLIN), revents: 0),
        ]
        loop: while true {
            let count = poll(&polled, 2, 20)
            guard let behaviour = proxy?.behaviour, behaviour != .reset else { break }
            if behaviour == .blackHole {
                poll(nil, 0, 20)
                continue
            }
            guard count != 0 else { continue }
            if case .delay(let pause) = behaviour {
                poll(nil, 0, Int32(pause / .milliseconds(1)))
            }
            for (from, to) in [(0, 1), (1, 0)] where polled[from].revents != 0 {
                let count = recv(polled[from].fd, &buffer, buffer.count, 0)
                guard count > 0 else { break loop }
                var sent = 0
                while sent < count {
                    let part = buffer.withUnsafeBytes {
                        send(
                            polled[to].fd, $0.baseAddress.map { $0 + sent }, count - sent, Int32(MSG_NOSIGNAL)
                        )
                    }
                    guard part > 0 else { break loop }
                    sent += part
                }
            }
        }
        proxy?.forget(id)
        Foundation.close(client)
        Foundation.close(server)
    }

    private func forget(_ id: Int) { _ = state.withLock { $0.pairs.removeValue(forKey: id) } }

    /// The threads that carry for them find them reset.
    private func resetAll() {
        state.withLock { state in
            for (client, server) in state.pairs.values {
                var linger = Foundation.linger(l_onoff: 1, l_linger: 0)
                let size = socklen_t(MemoryLayout<Foundation.linger>.size)
                setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, size)
                setsockopt(server, SOL_SOCKET, SO_LINGER, &linger, size)
                shutdown(client, Int32(SHUT_RDWR))
                shutdown(server, Int32(SHUT_RDWR))
            }
        }
    }

    private static func reset(_ descriptor: Int32) {
        var linger = Foundation.linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Foundation.linger>.size))
        Foundation.close(descriptor)
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }
}
