import Portable
import Testing

@Suite struct RefNameTests {
    @Test(arguments: [
        "refs/heads/main", "refs/heads/feature/a-b_c.d", "refs/tags/v1.0", "refs/x", "refs/heads/@",
        "refs/heads/a@b", "refs/heads/ä/😀",
        "refs/heads/a.lock.b", "refs/pull-requests/1/from", "refs/heads/{x}",
        "refs/heads/a..b".replacing("..", with: "."),
    ])
    func `what git accepts is a ref name`(text: String) throws {
        #expect(try RefName(text).full == text)
    }

    @Test(arguments: [
        "", "refs/", "main", "HEAD", "heads/main", "refs", "/refs/heads/a", "refs//a", "refs/heads/",
        "refs/heads/a/", "refs/heads/a//b",
        "refs/heads/.a", "refs/heads/a/.b", "refs/heads/a.lock", "refs/heads/a.lock/b", "refs/heads/a..b",
        "refs/heads/../x",
        "refs/heads/a.", "refs/heads/a b", "refs/heads/a~1", "refs/heads/a^", "refs/heads/a:b",
        "refs/heads/a?", "refs/heads/*",
        "refs/heads/[a", "refs/heads/a\\b", "refs/heads/a@{1}", "refs/heads/a\u{0}b", "refs/heads/a\nb",
        "refs/heads/a\u{7f}",
        "refs/heads/-a", "refs/heads/a/--upload-pack=x", "--upload-pack=x",
        "refs/heads/" + String(repeating: "a", count: 251),
        "refs/" + String(repeating: "abc/", count: 300) + "d", "Refs/heads/a", "refs\\heads\\a",
    ])
    func `what git refuses, and what could be an option, is no ref name`(text: String) {
        #expect(throws: RefNameError.self) { try RefName(text) }
    }

    @Test func `short names lead to branches and tags and back`() throws {
        let branch = try RefName.branch("feature/x")
        #expect(branch.full == "refs/heads/feature/x")
        #expect(branch.display == "feature/x")
        #expect(branch.isBranch && !branch.isTag)
        let tag = try RefName.tag("v1")
        #expect(tag.full == "refs/tags/v1")
        #expect(tag.display == "v1")
        #expect(tag.isTag && !tag.isBranch)
        #expect(try RefName("refs/notes/commits").display == "refs/notes/commits")
        for short in ["", "-x", "HEAD", "a b", "refs/../x"] {
            #expect(throws: RefNameError.self) { try RefName.branch(short) }
        }
    }

    @Test func `names that only look alike are different`() throws {
        let composed = try RefName("refs/heads/\u{e9}")
        let decomposed = try RefName("refs/heads/e\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(decomposed < composed)
    }
}
