import Foundation
import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct ErrorTests {
        @Test func `errors have the original's envelope and an id`() async throws {
            let answer = try await node.http.get("/rest/api/1.0/projects/NOSUCH/repos/none")
            #expect(answer.status == 404)
            #expect(answer.header("Content-Type") == "application/json;charset=UTF-8")
            #expect(answer.header("X-AREQUESTID")?.isEmpty == false)
            let error = try #require(answer.error?.mapValue)
            #expect(Set(error.keys) == ["context", "message", "exceptionName"])
            #expect(error["context"] == .null)
        }

        @Test func `an unknown address is 404 in the envelope`() async throws {
            let answer = try await node.http.get("/rest/api/1.0/nothing/here")
            #expect(answer.status == 404)
            #expect(answer.error != nil)
        }

        @Test func `an unknown version of the API is 404`() async throws {
            let answer = try await node.http.get("/rest/api/3.0/projects")
            #expect(answer.status == 404)
            #expect(answer.error?["message"]?.stringValue?.contains("latest") == true)
        }

        @Test func `a wrong method is 405 and says which ones do`() async throws {
            let answer = try await node.http.send("PATCH", "/rest/api/1.0/projects")
            #expect(answer.status == 405)
            #expect(answer.header("Allow") == "GET, HEAD, POST")
        }

        @Test func `a body of another type is 415`() async throws {
            let answer = try await node.http.send(
                "POST", "/rest/api/1.0/projects", headers: ["Content-Type": "text/plain"],
                body: Data(#"{"key":"TYPE","name":"Type"}"#.utf8))
            #expect(answer.status == 415)
            #expect(answer.error?["message"]?.stringValue?.contains("application/json") == true)
        }

        @Test(arguments: [
            "{", "[1]", "\"text\"", #"{"key":"A","key":"B","name":"n"}"#, "{\"key\":\"\u{1}\"}", "nul",
            String(repeating: "[", count: 100_000), #"{"key":1e999}"#,
        ])
        func `a body that is no usable JSON object is 400 with a sentence`(body: String) async throws {
            let answer = try await node.http.send(
                "POST", "/rest/api/1.0/projects", headers: ["Content-Type": "application/json"],
                body: Data(body.utf8))
            #expect(answer.status == 400)
            #expect(answer.error?["message"]?.stringValue?.isEmpty == false)
        }

        /// Swift would compare each of these for minutes, on a thread that others need.
        @Test(arguments: [
            #"{"MARKS": 1, "key": "A"}"#, #"{"key": "MARKS", "name": "n"}"#,
            #"{"key": "A", "name": "n", "x": [{"MARKS": 1}]}"#,
        ])
        func `a body with endless combining marks is 400`(body: String) async throws {
            let answer = try await node.http.send(
                "POST", "/rest/api/1.0/projects", headers: ["Content-Type": "application/json"],
                body: Data(body.replacing("MARKS", with: Self.marks).utf8))
            #expect(answer.status == 400)
            #expect(answer.error?["message"]?.stringValue?.contains("combining marks") == true)
        }

        @Test func `a query and a login with many combining marks are refused`() async throws {
            let marks = "a" + String(repeating: "\u{301}", count: 40)
            let escaped = marks.utf8.map { "%" + String($0, radix: 16) }.joined()
            let answer = try await node.http.get("/rest/api/1.0/projects?\(escaped)=1")
            #expect(answer.status == 400)
            let login = Data("\(marks):x".utf8).base64EncodedString()
            let refused = try await node.http.send(
                "GET", "/rest/api/1.0/projects", headers: ["Authorization": "Basic \(login)"])
            #expect(refused.status == 401)
        }

        private static let marks =
            "a" + String(repeating: "\u{301}", count: 240_000) + String(repeating: "\u{323}", count: 240_000)

        @Test func `no body where one is needed is 400`() async throws {
            let answer = try await node.http.send("POST", "/rest/api/1.0/projects")
            #expect(answer.status == 400)
            #expect(answer.error?["message"]?.stringValue?.contains("body") == true)
        }

        @Test func `a body above a mebibyte is 413`() async throws {
            let text = String(repeating: "x", count: 1_100_000)
            let answer = try await node.http.post(
                "/rest/api/1.0/projects", ["key": "BIG", "name": .string(text)])
            #expect(answer.status == 413)
        }

        @Test(arguments: ["name=%", "name=%4", "name=%GG", "name=%FF", "name=%00"])
        func `a broken query is 400`(query: String) async throws {
            let answer = try await node.http.get("/rest/api/1.0/projects?\(query)")
            #expect(answer.status == 400)
        }

        @Test func `wrong credentials are 401 even where none are needed`() async throws {
            let answer = try await node.anonymous.basic("admin", "wrong")
                .get("/rest/api/1.0/application-properties")
            #expect(answer.status == 401)
            #expect(
                answer.error?["exceptionName"]
                    == "com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException")
        }
    }
}
