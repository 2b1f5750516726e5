import NIOCore
import NIOPosix

/// Looks whether something speaks SSH at an address.
enum SSHProbe {
    /// - Returns: The first line that it sends.
    static func banner(host: String, port: Int) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let alarm = channel.channel.eventLoop.scheduleTask(in: .seconds(5)) {
            channel.channel.close(promise: nil)
        }
        defer { alarm.cancel() }
        return try await channel.executeThenClose { inbound, _ in
            var text = ""
            for try await piece in inbound {
                text += String(buffer: piece)
                if text.contains("\n") || text.utf8.count > 300 { break }
            }
            return String(text.prefix { !$0.isNewline })
        }
    }

    /// What it comes to.
    static func finding(_ check: String, host: String, port: Int) async -> DoctorFinding {
        let advice =
            "Check the firewall, and that a balancer passes the port on to plugin.ssh.port: "
            + "ssh -v -p \(port) git@\(host) has to get an answer."
        do {
            let banner = try await banner(host: host, port: port)
            guard banner.hasPrefix("SSH-2.0-") else {
                return .problem(check, "\(host):\(port) answers, but does not speak SSH.", advice)
            }
            return .ok(check, "\(host):\(port) speaks SSH.")
        } catch {
            return .problem(
                check, "\(host):\(port) cannot be reached: \(NodeClient.reason(error)).", advice)
        }
    }
}
