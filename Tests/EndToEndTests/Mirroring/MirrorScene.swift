import Foundation
import NodeTestKit
import Portable
import Testing

/// A primary and a mirror of it with all its projects, which reach each other through a proxy.
struct MirrorScene: Sendable {
    let primary: RunningNode
    let mirror: RunningNode
    /// Between the mirror and the primary.
    let proxy: TCPProxy

    /// Starts both, and accepts the mirror.
    /// - Parameter properties: More of the mirror's.
    static func start(_ properties: [String: String] = [:]) async throws -> MirrorScene {
        let primary = try await RunningNode.startWithSSH()
        let proxy = try TCPProxy(to: primary.port)
        let mine = [
            "application.mode": "mirror", "setup.displayName": "Office",
            "setup.baseUrl": "http://127.0.0.1:1",
            "plugin.mirroring.upstream.url": "http://127.0.0.1:\(proxy.port)",
        ]
        let mirror = try await RunningNode.startWithSSH(mine.merging(properties) { $1 })
        let scene = MirrorScene(primary: primary, mirror: mirror, proxy: proxy)
        try await scene.accept()
        return scene
    }

    /// Stops both.
    func stop() async throws {
        try await mirror.stop()
        try await primary.stop()
    }

    private func accept() async throws {
        let requests = "/rest/mirroring/latest/requests"
        let id = try await waitFor("the mirror's request", detail: { mirror.log }) { () -> Int64? in
            let answer = try await primary.http.get("\(requests)?state=PENDING")
            return try answer.json()["values"]?[0]?["id"]?.integerValue
        }
        let answer = try await primary.http.send(
            "POST", "\(requests)/\(id)/accept?mode=ALL_PROJECTS", body: Data())
        try #require(answer.status == 200, "\(answer.text)")
        try await waitUntil("a mirror that has everything", detail: { mirror.log }) {
            try await mirror.anonymous.get("/status").status == 200
        }
    }

    /// A private repository on the primary with one commit on `main`, which the mirror shows.
    /// - Parameter isShown: Whether to wait until the mirror shows it.
    func makePlace(isShown: Bool = true) async throws -> MirrorPlace {
        let key = "M" + UUID().uuidString.prefix(8)
        try await primary.makeRepository(key, "app")
        let facts = try await primary.http.get("/rest/api/latest/projects/\(key)/repos/app").json()
        let place = MirrorPlace(
            scene: self, git: try GitClient(), key: key, id: try #require(facts["id"]?.integerValue))
        try await place.git.makeRepository("work")
        try await place.git.succeed("push", "--quiet", primary.remote(key, "app"), "main", in: "work")
        if isShown { try await place.waitUntilShown() }
        return place
    }
}

/// A repository of a ``MirrorScene``, and a git client with a working copy `work`.
struct MirrorPlace: Sendable {
    let scene: MirrorScene
    var git: GitClient
    let key: String
    let id: Int64
    let name = "app"

    /// The same with more variables for git.
    func with(_ environment: [String: String]) -> MirrorPlace {
        var place = self
        place.git.environment = environment
        return place
    }

    /// The clone URL on the mirror.
    func remote(_ user: String? = RunningNode.administrator, password: String = "user-Passw0rd") -> String {
        scene.mirror.remote(
            key, name, user: user,
            password: user == RunningNode.administrator ? RunningNode.administratorPassword : password)
    }

    /// What a ref names on the mirror's own disk; empty when there is none.
    func shown(_ ref: String = "refs/heads/main") async throws -> String {
        let path = "\(scene.mirror.home)/shared/data/repositories/\(id)"
        let outcome = try await git.run("--git-dir=\(path)", "rev-parse", "--verify", "--quiet", ref)
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Waits until the mirror shows the working copy's `main`, and says so itself.
    func waitUntilShown() async throws {
        let head = try await git.succeed("rev-parse", "main", in: "work")
        try await waitUntil("a mirror that shows \(head)", detail: { scene.mirror.log }) {
            try await shown() == head
        }
        let operators = try scene.mirror.localOperator
        try await waitUntil("a mirrored repository that is available", detail: { scene.mirror.log }) {
            let facts = try await operators.get("/rest/api/latest/projects/\(key)/repos/\(name)")
            guard facts.status == 200 else { return false }
            return try facts.json()["state"]?.stringValue == "AVAILABLE"
        }
    }

    /// A user of the primary, with a permission on the repository.
    func makeUser(_ permission: String? = "REPO_READ") async throws -> String {
        let user = "u" + UUID().uuidString.prefix(8).lowercased()
        try await scene.primary.makeUser(user)
        if let permission {
            try await scene.primary.grant(user, permission, project: key, repository: name)
        }
        return user
    }

    /// Whether a user may list the refs by the mirror.
    func mayRead(_ user: String?, password: String = "user-Passw0rd") async throws -> Bool {
        try await git.run("ls-remote", remote(user, password: password)).succeeded
    }
}

extension RunningNode {
    /// A client with the local operator's secret.
    var localOperator: HTTPClient {
        get throws {
            let text = try String(contentsOfFile: "\(home)/run/local-token", encoding: .utf8)
            return anonymous.bearer(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }
}
