import Foundation
import NodeTestKit
import Portable

/// What the plugin `com.example.chaos` wrote down on all nodes, and what of it must not be. Its `main.lua`
/// says what the records mean. Records of killed nodes may be missing, which hides faults and makes none up.
struct ChaosHistory: Sendable {
    struct Grant: Sendable {
        let node: Int
        let token: Int
        let from: Int
        let to: Int
    }

    struct Write: Sendable {
        let token: Int
        let at: Int
        let outcome: Substring
    }

    struct Run: Sendable {
        let node: Int
        let fire: Int
        let token: Int
        let attempt: Int
        let why: Substring
    }

    struct Work: Sendable {
        let node: Int
        let from: Int
        let to: Int
    }

    struct Change: Sendable {
        let version: Int
        let at: Int
    }

    /// A change or a read of which cache's which key.
    struct CacheKey: Hashable, Sendable, CustomStringConvertible {
        let cache: Substring
        let key: Substring
        var description: String { "\(cache) \(key)" }
    }

    var grants: [Int: [Grant]] = [:]
    /// Values of caches, with when they had been changed at the latest.
    var changes: [CacheKey: [Change]] = [:]
    /// Versions of which nobody knows when they were made, if they were.
    var uncertain: [CacheKey: Set<Int>] = [:]
    /// What was read from caches, with when that was begun.
    var reads: [CacheKey: [Change]] = [:]
    /// Accepted writes under a lock, with when they had been accepted at the latest.
    var claims: [Int: [Write]] = [:]
    /// Writes with old tokens, with when they were sent at the earliest.
    var lateWrites: [Int: [Write]] = [:]
    /// Under a lock: the number that was read, in place of a time.
    var counts: [Int: [Write]] = [:]
    var runs: [Run] = []
    /// The last number that was acknowledged, by stream and bucket.
    var sent: [String: Int] = [:]
    var sentCount = 0
    var work: [Int: [Work]] = [:]
    var complaints: [String] = []
    /// When nodes lost their leases, in milliseconds since 1970.
    var losses: [Int: [Int]] = [:]
    /// Lines that a node left out as there were too many.
    var isIncomplete = false

    /// Reads one node's log.
    mutating func read(_ log: String, node: Int) {
        for line in log.split(separator: "\n") {
            if line.contains("the lease in the cluster is lost"), let at = Self.time(of: line) {
                losses[node, default: []].append(at)
            }
            guard line.contains(" perigee.plugin.com.example.chaos ") else { continue }
            if line.contains("log lines of this plugin were left out") { isIncomplete = true }
            guard let start = line.range(of: " history ")?.upperBound,
                let end = line.lastIndex(of: ";"), start <= end
            else { continue }
            for record in line[start..<end].split(separator: ";") { add(record, node: node) }
        }
    }

    private mutating func add(_ record: Substring, node: Int) {
        let words = record.split(separator: ",")
        let numbers = words.map { Int($0) ?? 0 }
        switch (words.first, words.count) {
        case ("g", 5):
            grants[numbers[1], default: []].append(
                Grant(node: node, token: numbers[2], from: numbers[3], to: numbers[4]))
        case ("c", 4):
            claims[numbers[1], default: []].append(
                Write(token: numbers[2], at: numbers[3], outcome: "accepted"))
        case ("w", 5):
            lateWrites[numbers[1], default: []].append(
                Write(token: numbers[2], at: numbers[3], outcome: words[4]))
        case ("n", 5):
            counts[numbers[1], default: []].append(
                Write(token: numbers[2], at: numbers[3], outcome: words[4]))
        case ("t", 5):
            runs.append(
                Run(
                    node: node, fire: numbers[1], token: numbers[2], attempt: numbers[3], why: words[4]))
        case ("s", 4):
            let key = "\(words[1]) \(words[2])"
            sent[key] = max(sent[key] ?? 0, numbers[3])
            sentCount += 1
        case ("b", 4):
            work[numbers[1], default: []].append(Work(node: node, from: numbers[2], to: numbers[3]))
        case ("p", 5):
            changes[CacheKey(cache: words[1], key: words[2]), default: []].append(
                Change(version: numbers[3], at: numbers[4]))
        case ("q", 4):
            uncertain[CacheKey(cache: words[1], key: words[2]), default: []].insert(numbers[3])
        case ("r", 5):
            reads[CacheKey(cache: words[1], key: words[2]), default: []].append(
                Change(version: numbers[3], at: numbers[4]))
        case ("x", _): complaints.append(String(record.dropFirst(2)))
        default: complaints.append("not a record: \(record)")
        }
    }

    private static func time(of line: Substring) -> Int? {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? style.parse(String(line.prefix { $0 != " " }))).map {
            Int(($0.timeIntervalSince1970 * 1_000).rounded())
        }
    }
}
