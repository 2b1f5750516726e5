internal import GitStore
internal import Synchronization

/// On a mirror that fetches over SSH: the way to its upstream.
///
/// Where that is, and by which host keys it proves itself, the upstream is asked over the signed connection:
/// before the first fetch, and again after each that failed, since either may have changed there.
final class UpstreamSSH: Sendable {
    private struct State {
        var line: SSHLine?
        var failure: String?
    }

    private let connection: UpstreamConnection
    private let files: SSHLineFiles
    /// What the operator says of the address; nil for what the upstream says.
    private let baseURL: String?
    private let state = Mutex(State())

    init(connection: UpstreamConnection, settings: MirrorSettings.SSH) {
        self.connection = connection
        files = SSHLineFiles(folder: settings.folder)
        baseURL = settings.baseURL
    }

    /// Does something over the line, and takes note of how it went.
    func use<Value: Sendable>(_ body: (SSHLine) async throws -> Value) async throws -> Value {
        do {
            let value = try await body(try await line())
            state.withLock { $0.failure = nil }
            return value
        } catch {
            if Self.isOfTheLine(error) {
                state.withLock { $0 = State(line: nil, failure: Self.text(error)) }
            }
            throw error
        }
    }

    /// What it is, and what to do.
    private static func text(_ error: any Error) -> String {
        (error as? SSHFailure).map { "\($0). \($0.advice)" } ?? "\(error)"
    }

    /// Whether nothing comes this way, and not only what was asked for.
    private static func isOfTheLine(_ error: any Error) -> Bool {
        if let failure = error as? SSHFailure { return failure.kind != .refused }
        return error is PeerError
    }

    /// Where it leads, once that is known, and why the last fetch failed; nil when it did not.
    var status: (address: String?, lastError: String?) {
        state.withLock { ($0.line?.shown ?? baseURL, $0.failure) }
    }

    private func line() async throws -> SSHLine {
        if let known = state.withLock({ $0.line }) { return known }
        let facts = try await UpstreamCheck.sshFacts(by: connection)
        let line = try files.write(
            connection.identity.ssh, facts.hostKeys, base: baseURL ?? facts.baseURL)
        state.withLock { $0.line = line }
        return line
    }
}
