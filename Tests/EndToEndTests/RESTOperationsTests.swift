import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct OperationsTests {
        @Test func `a serving node says RUNNING to anybody`() async throws {
            for query in ["", "?strict=1", "?strict=true", "?strict"] {
                let answer = try await node.anonymous.get("/status\(query)")
                #expect(answer.status == 200)
                #expect(try answer.json() == ["state": "RUNNING"])
            }
        }

        @Test func `old clients' first HEAD is answered`() async throws {
            let answer = try await node.anonymous.send("HEAD", "/rest/")
            #expect(answer.status == 200)
            let capabilities = try await node.anonymous.get("/rest/capabilities").json()
            #expect(capabilities["application"] == "stash")
            #expect(capabilities["capabilities"]?.mapValue?.isEmpty == false)
        }

        @Test func `application properties are for anybody`() async throws {
            let properties = try await node.anonymous.get("/rest/api/1.0/application-properties").json()
            #expect(properties["displayName"] == "Test")
            #expect(properties["version"]?.stringValue?.contains(".") == true)
            #expect(properties["buildNumber"]?.stringValue?.allSatisfy(\.isNumber) == true)
            #expect(properties["buildDate"]?.stringValue?.allSatisfy(\.isNumber) == true)
        }

        @Test func `metrics are for system administrators unless the node says otherwise`() async throws {
            let node = try node
            #expect(try await node.anonymous.get("/metrics").status == 401)
            let metrics = try await node.http.get("/metrics")
            #expect(metrics.status == 200)
            #expect(metrics.header("Content-Type")?.hasPrefix("text/plain; version=0.0.4") == true)
            #expect(metrics.text.contains("# TYPE "))
        }

        @Test func `a logger's level is changed while the node runs`() async throws {
            let node = try node
            let name = "perigee.test.\(unique("l"))"
            for version in ["1.0", "latest"] {
                let logger = "/rest/api/\(version)/logs/logger/\(name)"
                #expect(try await node.http.put(logger + "/DEBUG").status == 204)
                #expect(try await node.http.get(logger).json() == ["logLevel": "DEBUG"])
                #expect(try await node.http.put(logger + "/warn").status == 204)
                #expect(try await node.http.get(logger).json() == ["logLevel": "WARN"])
                #expect(try await node.http.get(logger + ".below").json() == ["logLevel": "WARN"])
            }
            let root = try await node.http.get("/rest/api/latest/logs/rootLogger").json()
            #expect(root["logLevel"]?.stringValue?.isEmpty == false)
        }

        @Test func `a level that is none is refused, and levels are not for everybody`() async throws {
            let node = try node
            let logger = "/rest/api/latest/logs/logger/perigee.git"
            let wrong = try await node.http.put(logger + "/LOUD")
            #expect(wrong.status == 400)
            #expect(wrong.error?["context"] == "level")
            let user = unique("u")
            try await node.makeUser(user)
            let client = node.anonymous.basic(user, "user-Passw0rd")
            #expect(try await client.get(logger).status == 401)
            #expect(try await client.put(logger + "/TRACE").status == 401)
            #expect(try await node.anonymous.put(logger + "/TRACE").status == 401)
        }
    }
}
