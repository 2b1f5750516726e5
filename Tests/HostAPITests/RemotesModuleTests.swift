import Hosting
import Portable
import Testing

@Suite struct RemotesModuleTests {
    private static let anywhere = #""remotes": ["*"], "repositories": "read""#

    private func push(_ options: String, permissions: String = anywhere) async throws -> PortableValue {
        let server = try await TestServer.running(
            """
            local ok, result, err = pcall(perigee.remotes.push, event.repository, \(options))
            return { ok = ok, result = ok and result, text = not ok and tostring(result), err = err }
            """, permissions: permissions)
        let repository = try await server.makeRepository()
        let said = try await server.run(["repository": .integer(repository.id.rawValue)])
        await server.stop()
        return said[0] ?? .null
    }

    @Test(arguments: [
        "https://127.0.0.1/x", "https://localhost/x", "https://10.0.0.1/x", "ssh://169.254.169.254/x",
        "https://[::1]/x", "https://[::ffff:127.0.0.1]/x", "http://8.8.8.8/x", "file:///etc", "ext::sh",
    ])
    func `nothing is pushed to what is not public, over plain HTTP, or by other protocols`(
        url: String
    ) async throws {
        let said = try await push("{ url = '\(url)', password = 's3cret-word' }")
        #expect(said["ok"] == true)
        #expect(said["err"]?["code"] == "refused", "\(url): \(said)")
    }

    @Test func `a plugin reaches the hosts of its manifest alone`() async throws {
        let permissions = #""remotes": ["*.example.com"], "repositories": "read""#
        let said = try await push("{ url = 'https://example.org/x' }", permissions: permissions)
        #expect(said["ok"] == false)
        #expect(
            said["text"]?.stringValue?.contains(
                #"permission denied: perigee.remotes.push needs "remotes": ["example.org"] in plugin.json"#)
                == true, "\(said)")
    }

    @Test func `refs, deletions and times that are none are told`() async throws {
        let wrong = try await push("{ url = 'https://8.8.8.8/x', refs = { '--mirror' } }")
        #expect(wrong["err"]?["code"] == "refused", "\(wrong)")
        let deleted = try await push("{ url = 'https://8.8.8.8/x', deleted = { 'main' } }")
        #expect(deleted["err"]?["message"] == "\"main\" is no full name of a ref")
        let late = try await push("{ url = 'https://8.8.8.8/x', timeout = '2h' }")
        #expect(late["text"]?.stringValue?.contains("a duration up to 1h expected") == true, "\(late)")
        let unkeyed = try await push("{ url = 'ssh://8.8.8.8/x' }")
        #expect(unkeyed["err"]?["message"]?.stringValue?.contains("host keys") == true, "\(unkeyed)")
    }
}
