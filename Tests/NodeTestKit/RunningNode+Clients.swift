import Foundation
import Portable

extension RunningNode {
    /// An HTTP client without credentials.
    package var anonymous: HTTPClient { HTTPClient(port: port) }

    /// An HTTP client with the sysadmin's name and password.
    package var http: HTTPClient {
        anonymous.basic(Self.administrator, Self.administratorPassword)
    }

    /// The clone URL of a repository, with credentials in it unless `user` is `nil`.
    package func remote(
        _ project: String, _ repository: String, user: String? = RunningNode.administrator,
        password: String = RunningNode.administratorPassword
    ) -> String {
        let allowed = CharacterSet.alphanumerics
        let credentials = user.map { name in
            let word = { (text: String) in text.addingPercentEncoding(withAllowedCharacters: allowed) ?? text
            }
            return "\(word(name)):\(word(password))@"
        }
        return "http://\(credentials ?? "")127.0.0.1:\(port)/scm/\(project.lowercased())/\(repository).git"
    }

    /// Makes a project as the sysadmin.
    /// - Throws: ``TestKitError/protocolViolation(_:)`` with the answer when it was refused.
    package func makeProject(_ key: String, isPublic: Bool = false) async throws {
        let body: PortableValue = ["key": .string(key), "name": .string(key), "public": .bool(isPublic)]
        try Self.require(try await http.post("/rest/api/latest/projects", body), status: 201)
    }

    /// Makes a repository as the sysadmin, and its project unless that exists.
    /// - Throws: ``TestKitError/protocolViolation(_:)`` with the answer when it was refused.
    package func makeRepository(_ project: String, _ name: String, isPublic: Bool = false) async throws {
        if try await http.get("/rest/api/latest/projects/\(project)").status == 404 {
            try await makeProject(project)
        }
        let body: PortableValue = ["name": .string(name), "scmId": "git", "public": .bool(isPublic)]
        try Self.require(try await http.post("/rest/api/latest/projects/\(project)/repos", body), status: 201)
    }

    /// Makes a user as the sysadmin.
    /// - Throws: ``TestKitError/protocolViolation(_:)`` with the answer when it was refused.
    package func makeUser(_ name: String, password: String = "user-Passw0rd") async throws {
        let target =
            "/rest/api/latest/admin/users?name=\(name)&password=\(password)&displayName=\(name)"
            + "&emailAddress=\(name)@example.org&addToDefaultGroup=true"
        let answer = try await http.send("POST", target, body: Data())
        guard answer.status == 204 || answer.status == 200 || answer.status == 201 else {
            throw TestKitError.protocolViolation("making user \(name): \(answer.status) \(answer.text)")
        }
    }

    /// Grants a user a permission on a repository, a project, or everywhere.
    package func grant(
        _ user: String, _ permission: String, project: String? = nil, repository: String? = nil
    )
        async throws
    {
        var target = "/rest/api/latest"
        if let project { target += "/projects/\(project)" } else { target += "/admin" }
        if let repository { target += "/repos/\(repository)" }
        target += "/permissions/users?name=\(user)&permission=\(permission)"
        try Self.require(try await http.put(target), status: 204)
    }

    /// Runs `perigee` with `arguments`, beside the node.
    package func perigee(_ arguments: String...) async throws -> ProcessOutcome {
        try await perigee(arguments: arguments)
    }

    /// Runs `perigee` with `arguments` to its end.
    package func perigee(arguments: [String]) async throws -> ProcessOutcome {
        try await ChildProcess.run(
            [Executable.perigee] + arguments, environment: Executable.environment, directory: directory.path)
    }

    /// The text of the node's log file so far.
    package var log: String {
        let folder = "\(home)/log"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().map { name in
            String(
                decoding: FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data(), as: UTF8.self)
        }.joined()
    }

    private static func require(_ answer: HTTPAnswer, status: Int) throws {
        guard answer.status == status else {
            throw TestKitError.protocolViolation("expected \(status), got \(answer.status): \(answer.text)")
        }
    }
}
