import Foundation
import NodeTestKit
import Portable

/// One run of a script, with a node and a working folder of its own.
actor ScriptRun {
    let script: Script
    let node: RunningNode
    let git: GitClient
    /// What the last command said.
    private(set) var last = ProcessOutcome(status: 0, outputBytes: Data(), errorBytes: Data())
    private var users: [String: String] = [:]

    /// - Throws: When the node's folders cannot be made.
    init(_ script: Script) throws {
        self.script = script
        node = try RunningNode.prepare()
        git = try GitClient()
    }

    /// Runs every line; the node is stopped at the end whatever happened.
    /// - Throws: ``ScriptFailure`` at the first line that does not go as it must.
    func run() async throws {
        for line in script.lines {
            let words = line.words.map { expand($0.text) }
            do {
                let succeeded = try await perform(words[0], Array(words.dropFirst()))
                guard succeeded != line.mustFail else {
                    throw Stop(line.mustFail ? "succeeded, but had to fail" : "failed")
                }
            } catch {
                throw ScriptFailure(
                    script: script.name, line: line.number,
                    reason: "\(error)\n  line: \(words.joined(separator: " "))\n  status: \(last.status)\n"
                        + "  stdout: \(last.output.suffix(2_000))\n  stderr: \(last.errors.suffix(2_000))\n"
                        + "  node: \(node.standardError.suffix(4_000))")
            }
        }
        if node.processID != 0 { _ = try await node.stop() }
    }

    /// Why a line did not go as it must.
    struct Stop: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    private func perform(_ command: String, _ words: [String]) async throws -> Bool {
        switch command {
        case "git": return try await keep(git.run(arguments: words, deadline: .seconds(300)))
        case "perigee":
            return try await keep(
                ChildProcess.run([Executable.perigee] + words, environment: Executable.environment))
        case "rest": return try await rest(words)
        case "node": return try await control(words)
        case "log":
            return keep(ProcessOutcome(status: 0, outputBytes: Data(node.log.utf8), errorBytes: Data()))
        case "stdout", "stderr": return matches(command == "stdout" ? last.output : last.errors, words)
        case "status": return words.first == String(last.status)
        case "eventually":
            let split = words.firstIndex(of: "stdout") ?? words.count
            try await waitUntil("\(words.joined(separator: " "))") {
                _ = try await self.perform(words[0], Array(words[1..<split]))
                return await self.lastOutputMatches(Array(words.dropFirst(split + 1)))
            }
            return true
        default: return try await prepare(command, words)
        }
    }

    private func prepare(_ command: String, _ words: [String]) async throws -> Bool {
        switch (command, words.count) {
        case ("project", 1): try await node.makeProject(words[0])
        case ("repository", 1):
            let parts = words[0].split(separator: "/").map(String.init)
            guard parts.count == 2 else { throw Stop("write repository PROJECT/name") }
            try await node.makeRepository(parts[0], parts[1])
        case ("user", 1):
            try await node.makeUser(words[0])
            users[words[0]] = "user-Passw0rd"
        case ("grant", 2), ("grant", 3):
            let parts = words.count == 3 ? words[2].split(separator: "/").map(String.init) : []
            try await node.grant(
                words[0], words[1], project: parts.first, repository: parts.count == 2 ? parts[1] : nil)
        case ("write", 2):
            try git.directory.write(words[1].replacingOccurrences(of: "\\n", with: "\n"), to: words[0])
        case ("commit", 3): try await git.commit(in: words[0], file: words[1], text: words[2] + "\n")
        case ("plugin", 2):
            try FileManager.default.createDirectory(
                atPath: "\(node.home)/shared/plugins/installed-plugins", withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: "\(Executable.sourceRoot)/\(words[0])",
                toPath: "\(node.home)/shared/plugins/installed-plugins/\(words[1])")
        case ("same-refs", 2):
            let (one, two) = (try await git.refs(in: words[0]), try await git.refs(in: words[1]))
            guard one == two, !one.isEmpty else { throw Stop("the refs differ, or there are none") }
        case ("fast-import", 2...): try await fastImport(words)
        default: throw Stop("no such command: \(command) with \(words.count) words")
        }
        return true
    }

    private func fastImport(_ words: [String]) async throws {
        var counts: [String: Int] = [:]
        for word in words.dropFirst() {
            let parts = word.split(separator: "=")
            counts[String(parts[0])] = parts.count == 2 ? Int(parts[1]) : nil
        }
        try await FastImport.makeRepository(
            at: git.directory.path(words[0]), commits: counts["commits"] ?? 1,
            branches: counts["branches"] ?? 0,
            tags: counts["tags"] ?? 0, git: git)
    }

    private func control(_ words: [String]) async throws -> Bool {
        switch words.first {
        case "start": try await node.start()
        case "stop": return try await keep(node.stop())
        case "kill": try await node.kill()
        case "restart": try await node.restart()
        default: throw Stop("write node start, stop, kill or restart")
        }
        return true
    }

    /// `rest [USER] METHOD target [json]`; succeeds for 2xx; the body is its stdout, the status code its
    /// status.
    private func rest(_ words: [String]) async throws -> Bool {
        var words = words
        var client = node.http
        if let password = words.first.flatMap({ users[$0] }) {
            client = node.anonymous.basic(words.removeFirst(), password)
        } else if words.first == "anonymous" {
            words.removeFirst()
            client = node.anonymous
        }
        guard words.count >= 2 else { throw Stop("write rest METHOD target [json]") }
        let answer = try await client.send(
            words[0], words[1], headers: words.count > 2 ? ["Content-Type": "application/json"] : [:],
            body: words[0] == "GET" ? nil : Data((words.count > 2 ? words[2] : "").utf8))
        last = ProcessOutcome(status: Int32(answer.status), outputBytes: answer.bytes, errorBytes: Data())
        return (200..<300).contains(answer.status)
    }

    private func keep(_ outcome: ProcessOutcome) -> Bool {
        last = outcome
        return outcome.succeeded
    }

    private func matches(_ text: String, _ words: [String]) -> Bool {
        guard words.count == 1, let pattern = try? Regex(words[0]) else { return false }
        return text.firstMatch(of: pattern) != nil
    }

    /// Without a pattern, whether the last command went well.
    private func lastOutputMatches(_ words: [String]) -> Bool {
        words.isEmpty ? last.succeeded : matches(last.output, words)
    }

    private func expand(_ word: String) -> String {
        var word = word
        var values = [
            "$URL": node.url, "$HOME": node.home, "$NODE_ID": node.nodeID, "$PID": String(node.processID),
            "$SOURCE": Executable.sourceRoot, "$WORK": git.directory.path, "$SCM": "\(node.url)/scm",
            "$ADMIN_SCM": scm(RunningNode.administrator, RunningNode.administratorPassword),
        ]
        for (name, password) in users { values["$SCM_\(name)"] = scm(name, password) }
        for (name, value) in values.sorted(by: { $0.key.count > $1.key.count }) {
            word = word.replacingOccurrences(of: name, with: value)
        }
        return word
    }

    private func scm(_ user: String, _ password: String) -> String {
        "http://\(user):\(password)@127.0.0.1:\(node.port)/scm"
    }
}
