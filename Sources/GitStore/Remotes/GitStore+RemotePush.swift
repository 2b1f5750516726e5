import FoundationEssentials
import NIOCore
import Portable

extension GitStore {
    /// Pushes to a foreign repository with `git push`, and sees that to its end: it is ended when it takes
    /// too long, and when the task is cancelled.
    /// - Parameter folder: Where files with credentials lie meanwhile.
    /// - Throws: ``GitStoreError/remoteRefused(reason:)`` for what cannot be asked for;
    ///   `CancellationError`. What goes wrong with the remote is in the report.
    package func push(
        _ push: RemotePush, from path: String, folder: String
    ) async throws -> RemotePushReport {
        let here = try await visibleRefs(in: path)
        let refspecs = Self.refspecs(push, here: here)
        guard !refspecs.isEmpty else { return RemotePushReport(outcome: .pushed) }
        let files = try RemotePushFiles(push, in: folder)
        defer { files.remove() }
        var environment = GitEnvironment(configuration: configuration)
        try environment.push(push.address.scheme, files, packThreads: configuration.packThreadCount)
        var arguments = [
            "--git-dir=\(path)", "push", "--porcelain", "--no-progress", "--no-verify", "--no-signed",
            "--no-follow-tags", "--recurse-submodules=no",
        ]
        if push.isDryRun { arguments.append("--dry-run") }
        if push.prune, here.contains(where: push.refs.contains) { arguments.append("--prune") }
        let process = try process(
            arguments + ["--", push.address.url] + refspecs, name: "push", environment: environment)
        let (output, isLate) = try await Self.output(of: process, within: push.timeout)
        var report = RemotePushReport(
            porcelain: output, status: await process.waitForExit(), isLate: isLate,
            errors: process.standardErrorText, of: push)
        try await markForeign(&report.refs, in: path)
        return report
    }

    /// Removes what pushes of a killed node left there: files with credentials.
    package static func removePushLeftovers(in folder: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where name.hasPrefix(RemotePushFiles.prefix) {
            try? FileManager.default.removeItem(atPath: folder + "/" + name)
        }
    }

    private func visibleRefs(in path: String) async throws -> Set<String> {
        let cache = shared.refs
        return try await onThread {
            let entries = try cache.snapshot(of: path).entries
            return Set(entries.filter { !Self.isHidden($0.name) && !$0.target.isZero }.map(\.name))
        }
    }

    private static func refspecs(_ push: RemotePush, here: Set<String>) -> [String] {
        let updates = push.refs.refspecs(force: push.force) { here.contains($0) }
        let deletions = push.deleted.map(\.full).filter { name in
            push.refs.contains(name) && !here.contains(name)
                && !(push.prune && push.refs.coversByPattern(name))
        }
        return updates + Set(deletions).sorted().map { ":" + $0 }
    }

    private static let outputBytesMax = 32 * 1024 * 1024

    /// All that it says, and whether it took too long.
    private static func output(
        of process: GitProcess, within timeout: Duration
    ) async throws -> (String, Bool) {
        try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { try await process.run { try await everything(of: $0) } }
            group.addTask {
                try await Task.sleep(for: timeout)
                process.terminate()
                return nil
            }
            defer { group.cancelAll() }
            var isLate = false
            while let output = try await group.next() {
                if let output { return (output, isLate) }
                isLate = true
            }
            return ("", isLate)
        }
    }

    private static func everything(of process: GitProcess) async throws -> String {
        process.finishInput()
        var collected = ByteBuffer()
        for try await portion in process.output {
            collected.writeImmutableBuffer(portion)
            guard collected.readableBytes <= outputBytesMax else {
                throw GitStoreError.unreadable(
                    operation: "git push", reason: "more than \(outputBytesMax) bytes of output")
            }
        }
        return String(buffer: collected)
    }

    /// Finds out which refs were at objects that are not here.
    private func markForeign(_ refs: inout [RemotePushReport.Ref], in path: String) async throws {
        let before = Set(refs.filter { $0.change == .forced }.compactMap(\.from))
        guard !before.isEmpty else { return }
        let known = Set(try await present(Array(before), in: path))
        for index in refs.indices where refs[index].change == .forced {
            if let from = refs[index].from { refs[index].isForeign = !known.contains(from) }
        }
    }
}
