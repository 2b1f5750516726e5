import ArgumentParser
import Node
import Portable

/// `perigee admin executors`: what waits, what runs, and what has failed for good.
struct AdminExecutorsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "executors",
        abstract: "Show the executors of the cluster, and retry or drop their dead letters.",
        discussion: """
            Without an executor it shows one line for each. With one, written as NAMESPACE/NAME, it shows its
            dead letters, retries them with --retry, or deletes them with --drop.
            """)

    @Argument(help: "The executor, such as com.example.reports/reports.")
    var executor: String?

    @Flag(help: "Submit its dead letters again.")
    var retry = false

    @Flag(help: "Delete its dead letters.")
    var drop = false

    @Option(help: "Only the dead letter with this number.")
    var id: Int64?

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if retry, drop { throw ValidationError("--retry and --drop exclude each other.") }
        if executor == nil, retry || drop || id != nil {
            throw ValidationError("Name the executor, such as com.example.reports/reports.")
        }
        if id != nil, !retry, !drop { throw ValidationError("--id goes with --retry or --drop.") }
        if let executor, executor.split(separator: "/", maxSplits: 1).count != 2 {
            throw ValidationError("Write the executor as NAMESPACE/NAME.")
        }
    }

    func run() async throws {
        let client = try node.client()
        guard let executor else { return try show(try await client.executors()) }
        let parts = executor.split(separator: "/", maxSplits: 1).map(String.init)
        if retry || drop {
            let count =
                retry
                ? try await client.retryDeadLetters(namespace: parts[0], name: parts[1], id: id)
                : try await client.dropDeadLetters(namespace: parts[0], name: parts[1], id: id)
            print(
                "\(count) dead \(count == 1 ? "letter" : "letters") \(retry ? "submitted again" : "deleted")")
            return
        }
        let letters = try await client.deadLetters(namespace: parts[0], name: parts[1], limit: 1000)
        if json { return print(try JSON.text(.list(letters))) }
        for letter in letters {
            let task = TerminalText.shown(try JSON.text(letter["task"] ?? .null))
            let error = TerminalText.shown(letter["error"]?.stringValue ?? "")
            let bucket = TerminalText.shown(letter["bucket"]?.stringValue ?? "")
            let died = letter["diedDate"]?.integerValue.map { TerminalText.time($0) } ?? ""
            print("\(letter["id"]?.integerValue ?? 0)  \(died)  \(bucket)  \(task)  \(error)")
        }
    }

    private func show(_ executors: [PortableValue]) throws {
        if json { return print(try JSON.text(.list(executors))) }
        var rows = [["EXECUTOR", "WAITING", "DELAYED", "RUNNING", "FAILING", "DEAD", "OLDEST"]]
        rows += executors.map { executor in
            let name = "\(executor["namespace"]?.stringValue ?? "")/\(executor["name"]?.stringValue ?? "")"
            let numbers = ["waiting", "delayed", "running", "failing", "dead"].map {
                "\(executor[$0]?.integerValue ?? 0)"
            }
            let oldest = executor["oldestAgeMillis"]?.integerValue.map { "\($0 / 1000)s" } ?? "-"
            return [TerminalText.shown(name)] + numbers + [oldest]
        }
        print(TextTable.render(rows))
    }
}
