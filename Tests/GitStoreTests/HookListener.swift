import Foundation
import NodeTestKit
import Synchronization

/// The node's side of the hook socket: reads requests, answers each, and keeps what it read.
final class HookListener: Sendable {
    /// What one run of the hook sent.
    struct Request: Sendable, Equatable {
        var secret: String
        var hook: String
        var quarantine: String
        var options: [String]
        var input: String
    }

    /// How a request is answered: whole, cut after some bytes, or not at all.
    enum Reply: Sendable {
        case verdict(code: UInt8, text: String)
        case bytes([UInt8])
        case earlyVerdict(code: UInt8, text: String)
    }

    let path: String
    private let listener: CInt
    private let seen = Mutex<[Request]>([])

    init(in directory: TemporaryDirectory, reply: Reply) throws {
        path = directory.path("hook.sock")
        listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw TestKitError.system(call: "bind \(path)", code: ENAMETOOLONG)
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 16) == 0 else {
            throw TestKitError.system(call: "bind", code: errno)
        }
        let thread = Thread { [self] in serve(reply) }
        thread.start()
    }

    var requests: [Request] { seen.withLock { $0 } }

    func stop() {
        shutdown(listener, CInt(SHUT_RDWR))
    }

    private func serve(_ reply: Reply) {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else {
                close(listener)
                return
            }
            defer { close(connection) }
            if case .earlyVerdict(let code, let text) = reply {
                send(connection, frame(code, text))
                continue
            }
            guard let request = read(from: connection) else { continue }
            seen.withLock { $0.append(request) }
            switch reply {
            case .verdict(let code, let text), .earlyVerdict(let code, let text):
                send(connection, frame(code, text))
            case .bytes(let bytes): send(connection, bytes)
            }
        }
    }

    private func frame(_ code: UInt8, _ text: String) -> [UInt8] {
        let count = UInt32(text.utf8.count)
        return [code] + withUnsafeBytes(of: count.bigEndian) { Array($0) } + Array(text.utf8)
    }

    private func send(_ connection: CInt, _ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes {
            Foundation.send(connection, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
    }

    private func read(from connection: CInt) -> Request? {
        guard bytes(4, connection) == Array("PGH1".utf8) else { return nil }
        guard let secret = field(connection), let hook = field(connection),
            let quarantine = field(connection),
            let count = number(connection)
        else { return nil }
        var options: [String] = []
        for _ in 0..<count {
            guard let option = field(connection) else { return nil }
            options.append(option)
        }
        guard let input = field(connection) else { return nil }
        return Request(secret: secret, hook: hook, quarantine: quarantine, options: options, input: input)
    }

    private func field(_ connection: CInt) -> String? {
        number(connection).flatMap { bytes($0, connection) }.map { String(decoding: $0, as: UTF8.self) }
    }

    private func number(_ connection: CInt) -> Int? {
        bytes(4, connection).map { $0.reduce(0) { $0 << 8 | Int($1) } }
    }

    private func bytes(_ count: Int, _ connection: CInt) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let result = bytes.withUnsafeMutableBytes {
                recv(connection, $0.baseAddress.map { $0 + done }, count - done, 0)
            }
            guard result > 0 else { return nil }
            done += result
        }
        return bytes
    }
}
