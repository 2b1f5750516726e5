import Hosting
import Mirroring
import Portable
import Synchronization
import Testing

/// What a mirror remembers of its callers' rights.
struct RemoteAuthorityTests {
    private let reader = RemoteRights(user: nil, permissions: PermissionSet(.repoRead).closed)
    private let caller = RemoteCredentials(.token("pgt_secret"))

    @Test func anAnswerServesUntilRightsChange() async throws {
        let upstream = Upstream(reader)
        let authority = RemoteAuthority(ask: upstream.ask)
        for _ in 0..<3 {
            let rights = try await authority.rights(of: caller, on: RepositoryID(1), isChange: false)
            #expect(rights == reader)
        }
        #expect(upstream.asked == 1)
        _ = try await authority.rights(of: caller, on: RepositoryID(2), isChange: false)
        #expect(upstream.asked == 2)
        authority.forgetAll()
        _ = try await authority.rights(of: caller, on: RepositoryID(1), isChange: false)
        #expect(upstream.asked == 3)
    }

    @Test func equalQuestionsAtATimeAreAskedOnce() async throws {
        let upstream = Upstream(reader)
        upstream.hold()
        let authority = RemoteAuthority(ask: upstream.ask)
        try await withThrowingTaskGroup(of: RemoteRights.self) { group in
            for _ in 0..<50 {
                group.addTask { [caller] in
                    try await authority.rights(of: caller, on: RepositoryID(1), isChange: false)
                }
            }
            upstream.release()
            for try await rights in group { #expect(rights == reader) }
        }
        #expect(upstream.asked == 1)
    }

    @Test func wrongCredentialsAreRememberedForAMomentOnly() async throws {
        let upstream = Upstream(nil)
        var times = RemoteAuthority.Times()
        times.refusal = .seconds(3600)
        let patient = RemoteAuthority(times: times, ask: upstream.ask)
        for _ in 0..<2 {
            await #expect(throws: HostingError.authenticationFailed) {
                try await patient.rights(of: caller, on: nil, isChange: false)
            }
        }
        #expect(upstream.asked == 1)
        times.refusal = .zero
        let hasty = RemoteAuthority(times: times, ask: upstream.ask)
        await #expect(throws: HostingError.authenticationFailed) {
            try await hasty.rights(of: caller, on: nil, isChange: false)
        }
        upstream.set(reader)
        #expect(try await hasty.rights(of: caller, on: nil, isChange: false) == reader)
    }

    @Test func theLastAnswerServesReadsWhileTheUpstreamIsAway() async throws {
        let upstream = Upstream(reader)
        var times = RemoteAuthority.Times()
        times.rights = .zero
        let authority = RemoteAuthority(times: times, ask: upstream.ask)
        _ = try await authority.rights(of: caller, on: RepositoryID(1), isChange: false)
        upstream.goAway()
        for _ in 0..<3 {
            let rights = try await authority.rights(of: caller, on: RepositoryID(1), isChange: false)
            #expect(rights == reader)
        }
        // It was asked once more; after that it is known to be away.
        #expect(upstream.asked == 2)
        await #expect(throws: HostingError.self) {
            try await authority.rights(of: caller, on: RepositoryID(1), isChange: true)
        }
        await #expect(throws: HostingError.self) {
            try await authority.rights(of: .anonymous, on: RepositoryID(1), isChange: false)
        }
        authority.forgetAll()
        await #expect(throws: HostingError.self) {
            try await authority.rights(of: caller, on: RepositoryID(1), isChange: false)
        }
    }

    @Test func nothingIsRememberedForEver() async throws {
        let upstream = Upstream(reader)
        var times = RemoteAuthority.Times()
        (times.rights, times.offline) = (.zero, .zero)
        let authority = RemoteAuthority(times: times, ask: upstream.ask)
        _ = try await authority.rights(of: caller, on: RepositoryID(1), isChange: false)
        upstream.goAway()
        await #expect(throws: HostingError.self) {
            try await authority.rights(of: caller, on: RepositoryID(1), isChange: false)
        }
    }

    @Test func anAnswerFromBeforeAChangeOfRightsIsNotRemembered() async throws {
        let upstream = Upstream(reader)
        upstream.hold()
        let authority = RemoteAuthority(ask: upstream.ask)
        async let early = authority.rights(of: caller, on: RepositoryID(1), isChange: false)
        await upstream.waitForQuestion()
        authority.forgetAll()
        upstream.release()
        _ = try await early
        _ = try await authority.rights(of: caller, on: RepositoryID(1), isChange: false)
        #expect(upstream.asked == 2)
    }

    @Test func onlySoManyAnswersAreRemembered() async throws {
        let upstream = Upstream(reader)
        let authority = RemoteAuthority(countMax: 2, ask: upstream.ask)
        for id in Int64(1)...3 {
            _ = try await authority.rights(of: caller, on: RepositoryID(id), isChange: false)
        }
        _ = try await authority.rights(of: caller, on: RepositoryID(1), isChange: false)
        #expect(upstream.asked == 4)
    }

    @Test func anotherMirrorsCredentialsCanBeRead() throws {
        let bodies: [PortableValue] = [
            ["username": "ada", "password": "secret"], ["token": "pgt_x"], ["anonymous": true],
            ["publicKey": "AAAA", "algorithm": "ssh-ed25519", "username": "git"],
        ]
        for body in bodies { #expect(RemoteCredentials(body)?.portable == body) }
        #expect(RemoteCredentials(["username": "ada"]) == nil)
        #expect(RemoteCredentials(["publicKey": "AAAA"]) == nil)
        #expect(RemoteCredentials(.null) == nil)
    }
}

/// What is asked, with an answer that can be changed and held back.
private final class Upstream: Sendable {
    private struct State {
        var rights: RemoteRights?
        var isAway = false
        var isHeld = false
        var asked = 0
        var held: [CheckedContinuation<Void, Never>] = []
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    /// - Parameter rights: nil refuses all credentials.
    init(_ rights: RemoteRights?) { state = Mutex(State(rights: rights)) }

    var asked: Int { state.withLock { $0.asked } }
    func set(_ rights: RemoteRights?) { state.withLock { $0.rights = rights } }
    func goAway() { state.withLock { $0.isAway = true } }
    func hold() { state.withLock { $0.isHeld = true } }

    func release() {
        let held = state.withLock { state in
            state.isHeld = false
            defer { state.held = [] }
            return state.held
        }
        for one in held { one.resume() }
    }

    func waitForQuestion() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.asked > 0 { return true }
                state.watchers.append(continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    var ask: RemoteAuthority.Ask {
        { [self] _, _, _ in
            let watchers = state.withLock { state in
                state.asked += 1
                defer { state.watchers = [] }
                return state.watchers
            }
            for watcher in watchers { watcher.resume() }
            await withCheckedContinuation { continuation in
                let isFree = state.withLock { state in
                    guard state.isHeld else { return true }
                    state.held.append(continuation)
                    return false
                }
                if isFree { continuation.resume() }
            }
            let (rights, isAway) = state.withLock { ($0.rights, $0.isAway) }
            if isAway { throw PeerError.unreachable(url: "http://upstream", reason: "gone") }
            guard let rights else { throw HostingError.authenticationFailed }
            return rights
        }
    }
}
