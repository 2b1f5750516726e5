import Foundation
import NodeTestKit

/// A Redis server of its own, and one client on its Unix socket that asks one thing at a time.
final class RedisSide {
    private let folder: TemporaryDirectory
    private let server: Process
    private let socketNumber: Int32
    private let answerBytes: Int

    private struct Failure: Error {
        let what: String
    }

    /// - Parameter value: How many bytes the value has.
    init(value: Int) throws {
        folder = try TemporaryDirectory("redis")
        let path = folder.path("redis.sock")
        server = Process()
        server.executableURL = URL(filePath: "/usr/bin/env")
        server.arguments = [
            "redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir",
            folder.path(""),
        ]
        server.standardOutput = FileHandle.nullDevice
        try server.run()
        socketNumber = try Self.connect(path)
        answerBytes = "$\(value)\r\n".utf8.count + value + 2
        let text = String(repeating: "x", count: value)
        try send("SET key:9998 \(text)\r\n")
        guard try receive(5) else { throw Failure(what: "SET") }
    }

    /// Nanoseconds of a GET.
    func measure() throws -> Double {
        let count = 50_000
        let request = Array("GET key:9998\r\n".utf8)
        var answer = [UInt8](repeating: 0, count: answerBytes)
        let start = ContinuousClock.now
        for _ in 0..<count {
            guard write(socketNumber, request, request.count) == request.count else {
                throw Failure(what: "GET")
            }
            var got = 0
            while got < answerBytes {
                let more = answer.withUnsafeMutableBytes {
                    read(socketNumber, $0.baseAddress, answerBytes - got)
                }
                guard more > 0 else { throw Failure(what: "GET") }
                got += more
            }
        }
        return ClusterCaches.nanoseconds(start.duration(to: .now)) / Double(count)
    }

    func stop() {
        close(socketNumber)
        kill(server.processIdentifier, SIGKILL)
    }

    private func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard write(socketNumber, bytes, bytes.count) == bytes.count else { throw Failure(what: "write") }
    }

    private func receive(_ count: Int) throws -> Bool {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let more = bytes.withUnsafeMutableBytes { read(socketNumber, $0.baseAddress, count - got) }
            guard more > 0 else { return false }
            got += more
        }
        return true
    }

    private static func connect(_ path: String) throws -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix(107)) }
        for _ in 0..<500 {
            let status = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if status == 0 { return number }
            usleep(10_000)
        }
        throw Failure(what: "no Redis server at \(path)")
    }
}
