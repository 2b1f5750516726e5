import ArgumentParser
import Node
import Portable

/// `perigee admin locks`: who holds which lock, and who waits.
struct AdminLocksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "locks", abstract: "Show the locks of the cluster that are held, and break one.",
        discussion: """
            A lock is written as NAMESPACE:NAME, as the list shows it; the namespace is a plugin's id, or \
            perigee for the program's own. Breaking a lock gives it to the next one at once. The program \
            refuses what its former holder still writes under it; what that does elsewhere goes on until it \
            looks.
            """)

    @Option(name: .customLong("break"), help: "Take this lock away from whoever holds it.")
    var broken: String?

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if let broken, broken.split(separator: ":", maxSplits: 1).count != 2 {
            throw ValidationError("Write the lock as NAMESPACE:NAME.")
        }
    }

    func run() async throws {
        let client = try node.client()
        if let broken {
            let parts = broken.split(separator: ":", maxSplits: 1).map(String.init)
            guard try await client.breakLock(namespace: parts[0], name: parts[1]) else {
                throw ValidationError("Nobody holds the lock \"\(TerminalText.shown(broken))\".")
            }
            return print("broken")
        }
        let locks = try await client.locks()
        if json { return print(try JSON.text(.list(locks))) }
        var rows = [["LOCK", "NODE", "AGE", "WAITERS", "TOKEN", "FOR"]]
        rows += locks.map { lock in
            let name = "\(lock["namespace"]?.stringValue ?? ""):\(lock["name"]?.stringValue ?? "")"
            return [
                TerminalText.shown(name), TerminalText.shown(lock["node"]?["name"]?.stringValue ?? ""),
                "\((lock["ageMillis"]?.integerValue ?? 0) / 1_000)s", "\(lock["waiters"]?.integerValue ?? 0)",
                lock["token"]?.stringValue ?? "", TerminalText.shown(lock["label"]?.stringValue ?? ""),
            ]
        }
        print(TextTable.render(rows))
    }
}
