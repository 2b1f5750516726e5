import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct PagingTests {
        @Test func `following nextPageStart visits everything once and ends with null`() async throws {
            let node = try node
            let prefix = unique("g")
            let names = (1...5).map { "\(prefix)-\($0)" }
            for name in names {
                #expect(
                    try await node.http.send("POST", "/rest/api/1.0/admin/groups?name=\(name)").status == 200)
            }
            var visited: [String] = []
            var start: Int64? = 0
            var pages = 0
            while let from = start {
                let page = try await node.http.get(
                    "/rest/api/1.0/groups?filter=\(prefix)&limit=2&start=\(from)"
                )
                .json()
                let values = page["values"]?.listValue?.compactMap(\.stringValue) ?? []
                #expect(page["size"] == .integer(Int64(values.count)))
                #expect(page["limit"] == 2)
                #expect(page["start"] == .integer(from))
                start = page["nextPageStart"]?.integerValue
                #expect(page["isLastPage"] == .bool(start == nil))
                if start == nil { #expect(page["nextPageStart"] == .null) }
                visited += values
                pages += 1
            }
            #expect(visited == names)
            #expect(pages == 3)
        }

        @Test(arguments: [
            "limit=abc", "limit=0", "limit=-1", "start=-1", "start=1.5", "limit=",
            "limit=99999999999999999999",
            "start=0x10",
        ])
        func `a number that is none is refused with its name`(query: String) async throws {
            let answer = try await node.http.get("/rest/api/1.0/projects?\(query)")
            #expect(answer.status == 400)
            #expect(answer.error?["context"] == .string(String(query.prefix { $0 != "=" })))
        }

        @Test func `a limit above the maximum is lowered`() async throws {
            let page = try await node.http.get("/rest/api/1.0/users?limit=9223372036854775807").json()
            #expect(page["limit"]?.integerValue == 1000)
        }

        @Test func `a start beyond the end gives an empty last page`() async throws {
            let page = try await node.http.get("/rest/api/1.0/users?start=9223372036854775807&limit=1000")
                .json()
            #expect(page["size"] == 0)
            #expect(page["isLastPage"] == true)
            #expect(page["values"] == [])
        }

        @Test(arguments: [
            "projects", "repos", "users", "groups", "admin/users", "admin/groups", "admin/permissions/users",
            "admin/permissions/groups",
        ])
        func `every list has the page's fields`(list: String) async throws {
            let answer = try await node.http.get("/rest/api/latest/\(list)?limit=1")
            #expect(answer.status == 200)
            let fields = try answer.json().mapValue ?? [:]
            #expect(
                Set(fields.keys) == ["size", "limit", "isLastPage", "start", "nextPageStart", "values"])
        }
    }
}
