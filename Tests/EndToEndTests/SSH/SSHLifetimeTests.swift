import Foundation
import NodeTestKit
import Portable
import Testing

/// Clients that leave, stall or stay, and nodes that stop.
extension SSHSuite {
    @Suite(.serialized) struct Lifetime {
        /// A clone whose client reads the beginning and then no more.
        private func stalledClone(_ place: SSHPlace) async throws -> ChildProcess {
            let request =
                "0011command=fetch0001000fno-progress" + packet("want \(try await place.head())\n")
                + packet("done\n") + "0000"
            let command =
                place.client.ssh("-o", "SendEnv=GIT_PROTOCOL") + ["git-upload-pack '/\(place.key)/app.git'"]
            var environment = place.git.fullEnvironment
            environment["GIT_PROTOCOL"] = "version=2"
            let script = "(printf '%s' \"$0\"; exec sleep 600) | \"$@\" | (head -c 100000; exec sleep 600)"
            return try await ChildProcess.start(
                ["sh", "-c", script, request] + command, environment: environment)
        }

        private func packet(_ text: String) -> String {
            let hex = String(text.utf8.count + 4, radix: 16)
            return String(repeating: "0", count: 4 - hex.count) + hex + text
        }

        @Test func `a client that is killed in the middle of a clone leaves no git process`() async throws {
            let place = try await SSHSuite.makePlace()
            try await place.pushRandomFile(megabytes: 40)
            let child = try await stalledClone(place)
            try await waitUntil("git", detail: { child.errors }) {
                !place.gitProcesses.isEmpty && child.output.contains("packfile")
            }
            child.killGroup()
            let begun = ContinuousClock.now
            try await waitUntil("no git process", deadline: .seconds(30)) { place.gitProcesses.isEmpty }
            // A second is what is promised; a busy machine is given more.
            #expect(ContinuousClock.now - begun < .seconds(10))
        }

        @Test func `readers that stall hold little memory`() async throws {
            let node = try await RunningNode.startWithSSH()
            let place = try await SSHSuite.makePlace(on: node)
            try await place.pushRandomFile(megabytes: 40)
            let before = try node.peakKilobytes
            var children: [ChildProcess] = []
            for _ in 0..<8 { children.append(try await stalledClone(place)) }
            let started = children
            try await waitUntil("8 git processes", detail: { started.map(\.errors).joined() }) {
                started.allSatisfy { $0.output.contains("packfile") }
            }
            // All of them together would hold 320 MB, if anybody buffered for them.
            #expect(try node.peakKilobytes - before < 120_000)
            #expect(try await place.git.succeed("ls-remote", place.remote).contains("refs/heads/main"))
            for child in started { child.killGroup() }
            try await waitUntil("no git process", deadline: .seconds(30)) { place.gitProcesses.isEmpty }
            try await node.stop()
        }

        @Test func `a large push needs little memory`() async throws {
            let node = try await RunningNode.startWithSSH()
            let place = try await SSHSuite.makePlace(on: node)
            try await place.git.succeed("push", "--quiet", place.remote, "main:warm", in: "work")
            try await place.pushRandomFile(megabytes: 60, push: false)
            let before = try node.peakKilobytes
            try await place.git.succeed("push", "--quiet", place.remote, "main", in: "work")
            #expect(try node.peakKilobytes - before < 40_000)
            try await node.stop()
        }

        @Test func `a push whose client is killed moves no ref`() async throws {
            let place = try await SSHSuite.makePlace()
            let before = try await place.git.succeed("ls-remote", place.remote)
            try await place.pushRandomFile(megabytes: 20, push: false)
            let command = "git-receive-pack '/\(place.key)/app.git'"
            let zero = String(repeating: "0", count: 40)
            let line = "\(zero) \(try await place.head()) refs/heads/cut\0 report-status"
            let beginning = (packet(line) + "0000PACK").replacingOccurrences(of: "\0", with: "\\000")
            let child = try await ChildProcess.start(
                [
                    "sh", "-c",
                    "(printf '\(beginning)'; exec sleep 600) | \"$@\"",
                    "sh",
                ]
                    + place.client.ssh() + [command], environment: place.git.fullEnvironment)
            try await waitUntil("git", detail: { child.errors }) { !place.gitProcesses.isEmpty }
            child.killGroup()
            try await waitUntil("no git process", deadline: .seconds(30)) { place.gitProcesses.isEmpty }
            #expect(try await place.git.succeed("ls-remote", place.remote) == before)
        }

        @Test func `a stop lets a clone finish, takes no new client, and ends those that wait`() async throws
        {
            let node = try await RunningNode.startWithSSH()
            let place = try await SSHSuite.makePlace(on: node)
            try await place.pushRandomFile(megabytes: 30)
            let remote = place.remote
            // Reads on only when the file is there.
            let gate = place.git.directory.path("gate")
            let wrapper = place.git.directory.path("slow-ssh")
            let script = """
                #!/bin/sh
                \(place.git.environment["GIT_SSH_COMMAND"] ?? "ssh") "$@" | (stdbuf -o0 head -c 100000; \
                while [ ! -e \(gate) ]; do sleep 0.05; done; exec cat)
                """
            try script.write(toFile: wrapper, atomically: true, encoding: .utf8)
            chmod(wrapper, 0o755)
            var slow = place.git
            slow.environment["GIT_SSH_COMMAND"] = nil
            slow.environment["GIT_SSH"] = wrapper
            slow.environment["GIT_SSH_VARIANT"] = "ssh"
            let git = slow
            async let clone = git.run("clone", "--quiet", "--bare", remote, "copy.git")
            try await waitUntil("git") { !place.gitProcesses.isEmpty }
            let idle = try await ChildProcess.start(
                ["sh", "-c", "sleep 600 | \"$@\"", "sh"] + place.client.ssh("-N"),
                environment: place.git.fullEnvironment)
            node.signal(SIGTERM)
            let port = node.sshPort
            try await waitUntil("a closed door") {
                (try? await SocketConnection.connect(port: port)) == nil
            }
            try Data().write(to: URL(fileURLWithPath: gate))
            let outcome = try await clone
            #expect(outcome.succeeded, "\(outcome.errors)")
            #expect(try await node.waitForExit().status == 0)
            idle.killGroup()
        }

        @Test func `a stop cuts off what is still there when the time is over`() async throws {
            let node = try await RunningNode.startWithSSH(["server.shutdown-timeout": "2"])
            let place = try await SSHSuite.makePlace(on: node)
            try await place.pushRandomFile(megabytes: 40)
            let child = try await stalledClone(place)
            try await waitUntil("git") { child.output.contains("packfile") }
            #expect(try await node.stop().status == 0)
            try await waitUntil("no git process", deadline: .seconds(30)) { place.gitProcesses.isEmpty }
            child.killGroup()
        }

        @Test func `a client that is stopped is noticed, and its git process ended`() async throws {
            let node = try await RunningNode.startWithSSH([
                "plugin.ssh.keepalive-interval": "1", "plugin.ssh.keepalive-max": "2",
            ])
            let place = try await SSHSuite.makePlace(on: node)
            let child = try await ChildProcess.start(
                ["sh", "-c", "sleep 600 | exec \"$@\"", "sh"] + place.client.ssh()
                    + ["git-upload-pack '/\(place.key)/app.git'"], environment: place.git.fullEnvironment)
            try await waitUntil("refs") { child.output.contains("refs/heads/main") }
            Foundation.kill(-child.processID, SIGSTOP)
            try await waitUntil("no git process", deadline: .seconds(60)) { place.gitProcesses.isEmpty }
            child.killGroup()
            try await node.stop()
        }

        @Test func `a client that says nothing for long is sent away`() async throws {
            let node = try await RunningNode.startWithSSH(["plugin.ssh.idle-timeout": "2"])
            let place = try await SSHSuite.makePlace(on: node)
            let child = try await ChildProcess.start(
                ["sh", "-c", "sleep 600 | \"$@\"", "sh"] + place.client.ssh("-N"),
                environment: place.git.fullEnvironment)
            try await waitUntil("the end", deadline: .seconds(60)) {
                child.errors.contains("nothing was said")
            }
            child.killGroup()
            try await node.stop()
        }
    }
}
