import Foundation
import NodeTestKit
import Portable
import Testing

extension RESTSuite {
    @Suite struct ContentTests {
        @Test func `commits are listed newest first, by range, path and page`() async throws {
            let node = try node
            var ids: [String] = []
            let pushed = try await makePushedProject { git, folder in
                ids.append(try await git.succeed("rev-parse", "HEAD", in: folder))
                ids.append(
                    try await git.commit(in: folder, file: "a.txt", text: "1\n", message: "one\n\nbody"))
                ids.append(try await git.commit(in: folder, file: "b.txt", text: "2\n", message: "two"))
                ids.append(try await git.commit(in: folder, file: "a.txt", text: "3\n", message: "three"))
            }
            let list = pushed.address + "/commits"
            #expect(try await node.http.get(list).texts("id") == ids.reversed())
            #expect(try await node.http.get(list + "?since=\(ids[1])").texts("id") == [ids[3], ids[2]])
            let range = try await node.http.get(list + "?until=\(ids[2])&since=\(ids[0])")
            #expect(try range.texts("id") == [ids[2], ids[1]])
            #expect(try await node.http.get(list + "?path=a.txt").texts("id") == [ids[3], ids[1]])
            let page = try await node.http.get(list + "?limit=2&start=1").json()
            #expect(page["values"]?.listValue?.compactMap { $0["id"]?.stringValue } == [ids[2], ids[1]])
            #expect(page["nextPageStart"] == 3)
            #expect(try await node.http.get(list + "?merges=only").texts("id") == [])
            #expect(
                try await node.http.get(list + "?until=refs/heads/master&limit=1").texts("id") == [ids[3]])

            let one = try await node.http.get(list + "/\(ids[1])").json()
            #expect(one["displayId"] == .string(String(ids[1].prefix(11))))
            #expect(one["message"]?.stringValue?.hasPrefix("one\n\nbody") == true)
            #expect(one["author"]?["name"] == "Ada Author")
            #expect(one["committer"]?["emailAddress"] == "carl@example.org")
            #expect((one["authorTimestamp"]?.integerValue ?? 0) > 1_500_000_000_000)
            #expect(one["parents"]?[0]?["id"] == .string(ids[0]))
        }

        @Test func `an unknown commit is 404 with the name that clients test`() async throws {
            let node = try node
            let pushed = try await makePushedProject()
            for target in ["/commits/nosuch", "/commits?until=nosuch", "/commits?since=nosuch"] {
                let answer = try await node.http.get(pushed.address + target)
                #expect(answer.status == 404)
                #expect(
                    answer.error?["exceptionName"]
                        == "com.atlassian.bitbucket.commit.NoSuchCommitException")
            }
            let ignored = try await node.http.get(pushed.address + "/commits?until=nosuch&ignoreMissing=true")
            #expect(try ignored.json()["values"] == [])
        }

        @Test func `an empty repository has no commits to list`() async throws {
            let key = try await makeProject()
            try await node.makeRepository(key, "rep")
            let answer = try await node.http.get("/rest/api/1.0/projects/\(key)/repos/rep/commits")
            #expect(answer.status == 404)
            #expect(
                answer.error?["exceptionName"]
                    == "com.atlassian.bitbucket.repository.NoDefaultBranchException")
        }

        @Test func `a folder is browsed with its entries, a file with its lines`() async throws {
            let node = try node
            let pushed = try await makePushedProject { git, folder in
                try await git.commit(in: folder, file: "src/Ünï code.txt", text: "one\ntwo\nthree\n")
                try await git.commit(in: folder, file: "src/deep/x.swift", text: "x\n")
            }
            let root = try await node.http.get(pushed.address + "/browse?at=refs/heads/master").json()
            let entries = root["children"]?["values"]?.listValue ?? []
            #expect(
                entries.compactMap { $0["path"]?["toString"]?.stringValue }.sorted() == ["README.md", "src"])
            #expect(Set(entries.compactMap { $0["type"]?.stringValue }) == ["FILE", "DIRECTORY"])
            #expect(root["children"]?["isLastPage"] == true)

            let folder = try await node.http.get(pushed.address + "/browse/src/?limit=1").json()
            #expect(folder["path"]?["components"] == ["src"])
            #expect(folder["children"]?["size"] == 1)
            #expect(folder["children"]?["isLastPage"] == false)

            let file = pushed.address + "/browse/src/%C3%9Cn%C3%AF%20code.txt"
            let whole = try await node.http.get(file + "?limit=20000").json()
            #expect(whole["lines"] == [["text": "one"], ["text": "two"], ["text": "three"]])
            #expect(whole["isLastPage"] == true)
            let part = try await node.http.get(file + "?start=1&limit=1").json()
            #expect(part["lines"] == [["text": "two"]])
            #expect(part["isLastPage"] == false)
            #expect(try await node.http.get(file + "?type=true").json() == ["type": "FILE"])
            #expect(
                try await node.http.get(pushed.address + "/browse/src?type=true").json() == [
                    "type": "DIRECTORY"
                ])
            let missing = try await node.http.get(pushed.address + "/browse/nosuch")
            #expect(missing.status == 404)
            #expect(
                missing.error?["exceptionName"] == "com.atlassian.bitbucket.content.NoSuchPathException")
        }

        @Test func `raw text comes as plain text, whatever it claims to be`() async throws {
            let node = try node
            let page = "<script>alert(1)</script>\n"
            let pushed = try await makePushedProject { git, folder in
                try await git.commit(in: folder, file: "page.html", text: page)
            }
            let raw = try await node.http.get(pushed.address + "/raw/page.html?at=master")
            #expect(raw.status == 200)
            #expect(raw.text == page)
            #expect(raw.header("Content-Type")?.hasPrefix("text/plain") == true)
            #expect(raw.header("X-Content-Type-Options") == "nosniff")
            #expect(raw.header("Content-Length") == String(page.utf8.count))
            let head = try await node.http.send("HEAD", pushed.address + "/raw/page.html")
            #expect(head.status == 200)
            #expect(head.bytes.isEmpty)
        }

        @Test func `raw binary comes as an attachment, byte for byte, of any size`() async throws {
            let node = try node
            let bytes = Data((0..<6_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8)) })
            let pushed = try await makePushedProject { git, folder in
                try bytes.write(to: URL(fileURLWithPath: "\(folder)/big \"é\".bin"))
                try await git.succeed("add", ".", in: folder)
                try await git.succeed("commit", "--quiet", "--message", "big", in: folder)
            }
            let raw = try await node.http.get(pushed.address + "/raw/big%20%22%C3%A9%22.bin")
            #expect(raw.status == 200)
            #expect(raw.bytes == bytes)
            #expect(raw.header("Content-Type") == "application/octet-stream")
            #expect(
                raw.header("Content-Disposition")
                    == "attachment; filename=\"big ___.bin\"; filename*=UTF-8''big%20%22%C3%A9%22.bin")
            let browsed = try await node.http.get(pushed.address + "/browse/big%20%22%C3%A9%22.bin").json()
            #expect(browsed["binary"] == true)
        }

        @Test func `every file is listed, below a folder relative to it`() async throws {
            let node = try node
            let pushed = try await makePushedProject { git, folder in
                try await git.commit(in: folder, file: "src/a.txt", text: "a\n")
                try await git.commit(in: folder, file: "src/deep/b.txt", text: "b\n")
            }
            let all = try await node.http.get(pushed.address + "/files").json()["values"]
            #expect(all == ["README.md", "src/a.txt", "src/deep/b.txt"])
            let below = try await node.http.get(pushed.address + "/files/src?limit=1").json()
            #expect(below["values"] == ["a.txt"])
            #expect(below["nextPageStart"] == 1)
        }

        @Test(arguments: [
            "../config", "..%2fconfig", "%2e%2e/%2e%2e/HEAD", "src/../../x", "%00", "a%00b", "./x",
            "%2Fetc%2Fpasswd",
            ".git/config", "%ff",
        ])
        func `a hostile path reaches nothing but the tree`(path: String) async throws {
            let node = try node
            let pushed = try await makePushedProject()
            for door in ["browse", "raw", "files"] {
                let answer = try await node.http.get("\(pushed.address)/\(door)/\(path)")
                #expect(answer.status == 400 || answer.status == 404, "\(door)")
                #expect(answer.error?["message"]?.stringValue?.isEmpty == false)
            }
        }
    }
}
