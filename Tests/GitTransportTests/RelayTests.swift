import GitStore
import Hosting
import NIOCore
import Portable
import Testing

@testable import GitTransport

/// What a mirror reads of the requests that it may pass on.
struct RelayTests {
    private let one = String(repeating: "1", count: 40)
    private let two = String(repeating: "2", count: 40)
    private let zero = String(repeating: "0", count: 40)

    private func line(_ text: String) -> PktLine { .data(ByteBuffer(string: text)) }

    @Test func wantsOfVersion2AreRead() throws {
        let wanted = WantedObjects(
            [
                line("command=fetch"), line("agent=git/2"), line("object-format=sha1"), .delimiter,
                line("thin-pack"), line("want \(one)\n"), line("want \(two)\n"),
                line("want-ref refs/heads/main\n"), line("have \(two)\n"), line("done\n"), .flush,
            ], version: .v2)
        #expect(wanted?.ids.map(\.hex) == [one, two])
        #expect(wanted?.refs == ["refs/heads/main"])
    }

    @Test func wantsOfVersion0AreRead() throws {
        let wanted = WantedObjects(
            [line("want \(one) side-band-64k agent=git/2\n"), line("want \(two)\n"), .flush], version: .v0)
        #expect(wanted?.ids.map(\.hex) == [one, two])
    }

    @Test func otherRequestsWantNothing() {
        #expect(WantedObjects([line("command=ls-refs"), .delimiter, .flush], version: .v2) == nil)
        #expect(WantedObjects([.flush], version: .v2) == nil)
        #expect(WantedObjects([], version: .v0) == nil)
        #expect(WantedObjects([line("want zzz"), .flush], version: .v0) == nil)
    }

    @Test func commandsOfAPushAreRead() throws {
        let packets = [
            line("shallow \(one)"), line("\(zero) \(one) refs/heads/new\0report-status side-band-64k"),
            line("\(one) \(two) refs/heads/main\n"), .flush,
        ]
        let commands = RelayedCommands(packets)
        #expect(commands.changes.map(\.ref.full) == ["refs/heads/new", "refs/heads/main"])
        #expect(commands.hasPack)
        let report = PushReport(lines: [
            .init(ref: "refs/heads/new", outcome: .refused(reason: "no")),
            .init(ref: "refs/heads/main", outcome: .ok),
        ])
        #expect(commands.made(report).map(\.ref.full) == ["refs/heads/main"])
        #expect(commands.made(nil).isEmpty)
    }

    @Test func deletionsHaveNoPack() {
        let commands = RelayedCommands([line("\(one) \(zero) refs/heads/old\0report-status"), .flush])
        #expect(!commands.hasPack)
        #expect(commands.changes.count == 1)
    }

    @Test func anAddressIsEscapedForTheUpstream() throws {
        let address = try GitAddress(sshPath: "/~ad a/x?y%2f#z.git")
        #expect(address.target("git-upload-pack") == "/scm/~ad%20a/x%3Fy%252f%23z.git/git-upload-pack")
    }
}
