import ArgumentParser
import Glibc
import Node
import Portable

/// `perigee plugin top`: what the plugins of a node use, refreshed each second, the busiest first.
struct PluginTopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Show what each plugin uses now, the busiest first; Ctrl-C ends it.")

    @OptionGroup var node: NodeOptions

    @Flag(help: "Print one table, by the CPU time since the node started, and end.")
    var once = false

    func run() async throws {
        let client = try node.client()
        var last: PluginTopTable?
        repeat {
            let table = PluginTopTable(try await client.plugins(withStatistics: true), since: last)
            let isTerminal = isatty(1) == 1 && !once
            // To the upper left corner, and clear from there.
            let text = (isTerminal ? "\u{1b}[H\u{1b}[2J" : "") + table.text + "\n"
            guard Self.write(text) else { return }
            last = table
            if !once { try await Task.sleep(for: .seconds(1)) }
        } while !once
    }

    /// - Returns: Whether somebody still reads.
    private static func write(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
