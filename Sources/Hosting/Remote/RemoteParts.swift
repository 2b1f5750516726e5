internal import Synchronization

/// What a server has to do with others: a mirror with its upstream, an upstream with its mirrors.
final class RemoteParts: Sendable {
    private struct State {
        var authority: (any AccessAuthority)?
        var upstream: (any UpstreamGit)?
        var delegates: (any GitDelegates)?
    }

    private let state = Mutex(State())

    /// Who decides; nil where this server does.
    var authority: (any AccessAuthority)? { state.withLock { $0.authority } }
    /// Where git requests are passed on to; nil on a primary.
    var upstream: (any UpstreamGit)? { state.withLock { $0.upstream } }
    /// Who speaks for mirrors' callers; nil on a mirror.
    var delegates: (any GitDelegates)? { state.withLock { $0.delegates } }

    func follow(_ authority: any AccessAuthority, _ upstream: any UpstreamGit) {
        state.withLock {
            $0.authority = authority
            $0.upstream = upstream
        }
    }

    func setDelegates(_ delegates: any GitDelegates) { state.withLock { $0.delegates = delegates } }
}

extension Hosting {
    /// Makes this server a mirror: the authority decides who may do what, and nothing is changed here but by
    /// what follows the upstream. To be called once, before anybody is served.
    package func follow(_ authority: any AccessAuthority, _ upstream: any UpstreamGit) {
        services.remote.follow(authority, upstream)
    }

    /// Lets mirrors pass git requests on. To be called once, before anybody is served.
    package func setDelegates(_ delegates: any GitDelegates) { services.remote.setDelegates(delegates) }

    /// Who decides; nil on a primary, which does itself.
    package var authority: (any AccessAuthority)? { services.remote.authority }
    /// Where git requests are passed on to; nil on a primary.
    package var upstreamGit: (any UpstreamGit)? { services.remote.upstream }
    /// Who speaks for the callers of mirrors; nil on a mirror.
    package var delegates: (any GitDelegates)? { services.remote.delegates }
}
