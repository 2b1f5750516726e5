import Testing

@testable import GitTransport

@Suite struct SSHCommandTests {
    @Test(arguments: [
        ("git-upload-pack '/a/b.git'", SSHCommand.uploadPack(path: "/a/b.git")),
        ("git upload-pack '/a/b.git'", .uploadPack(path: "/a/b.git")),
        ("git-upload-pack /a/b.git", .uploadPack(path: "/a/b.git")),
        ("git-upload-pack   \"/a/b.git\" ", .uploadPack(path: "/a/b.git")),
        ("git-receive-pack '~ada/b'", .receivePack(path: "~ada/b")),
        ("git-receive-pack '/a/it'\\''s'", .receivePack(path: "/a/it's")),
        ("git-receive-pack '/a/x'\\!'y'", .receivePack(path: "/a/x!y")),
        ("git-upload-archive '/a/b c'", .uploadArchive(path: "/a/b c")),
        ("git-upload-pack ''", .uploadPack(path: "")),
    ])
    func `git's commands are read as git clients quote them`(text: String, command: SSHCommand) {
        #expect(SSHCommand(text) == command)
    }

    @Test(arguments: [
        "", " ", "git", "git-upload-pack", "git-upload-pack a b", "git upload-pack", "git gc a",
        "git-upload-pack 'a'; id", "git-upload-pack 'a' | id", "git-upload-pack $HOME",
        "git-upload-pack `id`",
        "git-upload-pack \"`id`\"", "git-upload-pack \"$x\"", "git-upload-pack 'a", "git-upload-pack \"a",
        "git-upload-pack a\\", "git-upload-pack 'a'\nid", "git-upload-pack a*", "git-upload-pack a>b",
        "/usr/bin/git-upload-pack a", "git-upload-pack a&", "git-upload-pack (a)", "#git-upload-pack a",
        "git-upload-pack \(String(repeating: "a", count: 5000))",
    ])
    func `nothing else is read`(text: String) {
        #expect(SSHCommand(text) == nil)
    }

    @Test(arguments: [
        ("/prj/app.git", "prj", "app"), ("prj/app", "prj", "app"), ("/~ada/app.git", "~ada", "app"),
        ("~ada/app.git", "~ada", "app"), ("/PRJ/App.GIT", "PRJ", "App.GIT"), ("/p/%41", "p", "%41"),
    ])
    func `a path names a project and a repository`(path: String, project: String, slug: String) throws {
        let address = try GitAddress(sshPath: path)
        #expect(address.projectKey == project)
        #expect(address.slug == slug)
    }

    @Test(arguments: [
        "", "/", "//", "/a", "/a/", "a//b", "/a/b/c", "/../b", "/a/..", "/a/.git", "/a\\b/c", "/a/b\n",
        "//a/b",
    ])
    func `any other path names none`(path: String) {
        #expect(throws: (any Error).self) { try GitAddress(sshPath: path) }
    }

    @Test(arguments: ["version=2", "version=1:key=a-b.c_d", "x"])
    func `a well-formed protocol passes`(text: String) {
        #expect(GitProtocolVersion.isWellFormed(text))
    }

    @Test(arguments: ["", "version=2;id", "a b", "ä", "a\n", String(repeating: "a", count: 257)])
    func `one that is not is refused`(text: String) {
        #expect(!GitProtocolVersion.isWellFormed(text))
    }
}
