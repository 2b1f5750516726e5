import ClusterServices
import Foundation
import Logging
import NodeTestKit
import SharedDatabase
import Synchronization

/// One node: a membership and its locks.
///
/// `node hold NAME URL LEASE` takes one lock, says when, and holds it. `node use NAME URL LEASE FILE LOCKS
/// RUNS` takes and gives back locks until it is killed or stopped, and writes its grants into a file.
enum LockNode {
    static func run(_ words: [String]) async throws {
        let (task, name, url, lease) = (words[0], words[1], words[2], Int64(words[3]) ?? 10)
        var logger = Logger(label: "locks")
        logger.logLevel = .critical
        let database = try SharedDatabase.openPostgres(PostgresSettings(url: url), logger: logger)
        let membership = Membership(
            database: database,
            identity: NodeDescription(nodeID: name, version: "1", sharedHomeID: "home"),
            leaseDuration: .seconds(lease), logger: logger)
        let locks = LockService(membership: membership, logger: logger)
        try await locks.start()
        while true {
            do {
                try await membership.join()
                break
            } catch {
                // The row of the life before may be there still.
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        let work = Task {
            if task == "hold" {
                try await hold(locks)
            } else {
                await use(locks, file: words[4], names: Int(words[5]) ?? 1, runs: Int(words[6]) ?? 1)
            }
        }
        // Clean, as a node's own stop: what it holds is given back before the process ends.
        await waitForTermination()
        work.cancel()
        _ = await work.result
        locks.stop()
        await membership.leave()
        await database.close()
    }

    private static func hold(_ locks: LockService) async throws {
        let lock = try locks.locks(namespace: "benchmark").named("one")
        say("joined")
        let taken = try await lock.acquire()
        say("granted \(now())")
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
        say("ending \(now())")
        await taken.release()
    }

    private static func use(_ locks: LockService, file: String, names: Int, runs: Int) async {
        guard let record = GrantFile(file) else { return }
        say("joined")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<runs {
                group.addTask {
                    while !Task.isCancelled {
                        do {
                            try await use(locks, Int.random(in: 0..<names), record)
                        } catch {
                            try? await Task.sleep(for: .milliseconds(5))
                        }
                    }
                }
            }
        }
        record.flush()
    }

    private static func use(_ locks: LockService, _ number: Int, _ record: GrantFile) async throws {
        let lock = try locks.locks(namespace: "benchmark").named("lock \(number)")
        let taken = try await lock.acquire(wait: .milliseconds(500))
        let from = now()
        await Task.yield()
        // Certain until here, if it is held after this; the last thing that is known before it is given back.
        let to = now()
        record.add(Grant(lock: Int64(number), token: taken.token, from: from, to: taken.isHeld ? to : 0))
        await taken.release()
    }

    /// Nanoseconds of the boot-time clock, which all processes share.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}

/// Waits for SIGTERM.
private func waitForTermination() async {
    let (signals, came) = AsyncStream.makeStream(of: Void.self)
    signal(SIGTERM, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGTERM)
    source.setEventHandler { came.yield() }
    source.resume()
    for await _ in signals { break }
    source.cancel()
}

/// One grant; `to` is 0 when its holder knew no moment at which it certainly still held it.
struct Grant: Sendable {
    let lock: Int64
    let token: Int64
    let from: Int64
    let to: Int64
}

/// Grants as they are written down, 32 bytes each. A killed process may leave out the last ones, which hides
/// what is wrong and makes nothing up.
final class GrantFile: Sendable {
    private let descriptor: Int32
    private let waiting = Mutex<[Int64]>([])

    init?(_ path: String) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard descriptor >= 0 else { return nil }
    }

    func add(_ grant: Grant) {
        let isDue = waiting.withLock { waiting in
            waiting += [grant.lock, grant.token, grant.from, grant.to]
            return waiting.count >= 256
        }
        if isDue { flush() }
    }

    func flush() {
        waiting.withLock { waiting in
            waiting.withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
            waiting = []
        }
    }

    /// All grants in a file; what is only half there is left out.
    static func read(_ path: String) -> [Grant] {
        let data = FileManager.default.contents(atPath: path) ?? Data()
        return data.withUnsafeBytes { bytes in
            (0..<bytes.count / 32).map { number in
                let word = { bytes.loadUnaligned(fromByteOffset: number * 32 + $0 * 8, as: Int64.self) }
                return Grant(lock: word(0), token: word(1), from: word(2), to: word(3))
            }
        }
    }
}
