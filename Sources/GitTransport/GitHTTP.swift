package import HTTPServing
package import Hosting
package import Hummingbird

/// Git's smart HTTP protocol as a door: the routes below `/scm`.
///
/// - Source: gitprotocol-http(5). Clone, fetch and push in protocol versions 0, 1 and 2; no file of a
///   repository is
///   ever served as such.
package struct GitHTTP: Sendable {
    private let hosting: Hosting
    private let hookSocketPath: String
    private let decision: TimedDecision

    /// Makes the door; nothing is touched yet.
    /// - Parameter hookSocketPath: Where git's hooks call back to: ``HookSocket/path``.
    /// - Parameter decisionTimeout: How long a push waits for the guards.
    package init(hosting: Hosting, hookSocketPath: String, decisionTimeout: Duration) {
        self.hosting = hosting
        self.hookSocketPath = hookSocketPath
        decision = TimedDecision(timeout: decisionTimeout)
    }

    /// Adds the routes: `/scm/{project}/{repository}[.git]/...`.
    package func addRoutes(to router: Router<ServingContext>) {
        let gate = GitGate(hosting: hosting)
        let infoRefs = InfoRefs(hosting: hosting, gate: gate)
        let uploadPack = UploadPack(hosting: hosting, gate: gate)
        let receivePack = ReceivePack(
            hosting: hosting, gate: gate, hookSocketPath: hookSocketPath, decision: decision)
        let hosting = hosting
        let repository = router.group("/scm/:project/:repository")
        repository.get("info/refs") { try await infoRefs.answer($0, GitDelegation.context($0, $1, hosting)) }
        repository.post("git-upload-pack") {
            try await uploadPack.answer($0, GitDelegation.context($0, $1, hosting))
        }
        repository.post("git-receive-pack") {
            try await receivePack.answer($0, GitDelegation.context($0, $1, hosting))
        }
        repository.post("git-upload-archive") { _, _ -> Response in
            throw RequestError(
                .forbidden, "git archive is not served over HTTP. Clone the repository instead.")
        }
        // What clients of the dumb protocol ask for.
        for path in ["HEAD", "objects/**", "refs/**", "config", "packed-refs", "description"] {
            repository.get("\(path)") { _, _ -> Response in throw InfoRefs.smartOnly }
        }
        MethodRefusals.add(to: router, below: ["/scm"])
    }
}
