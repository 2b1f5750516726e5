package import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Everything that touches a bare repository on disk: reads in this process, `git` programs, ref updates.
///
/// A path names a repository's folder, is absolute, and comes from the home layout alone, never from user
/// text. Knows no users and no permissions.
package struct GitStore: Sendable {
    /// What the store was made with.
    package let configuration: GitConfiguration
    let logger: Logger
    let shared: Shared

    /// Makes a store and starts its reading threads, which end when its last copy goes away.
    package init(configuration: GitConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        shared = Shared(threads: configuration.threads)
    }

    /// What all copies of a store have in common.
    final class Shared: Sendable {
        let threads: NIOThreadPool
        let refs = RefCache()
        let advertisement = Mutex<ByteBuffer?>(nil)
        let pushCapabilities = Mutex<String?>(nil)

        init(threads count: Int) {
            LibGit2.start()
            threads = NIOThreadPool(numberOfThreads: count)
            threads.start()
        }

        deinit {
            threads.shutdownGracefully { _ in }
        }
    }

    /// Runs work that blocks on the disk on one of the reading threads.
    /// - Throws: What the work throws; ``GitStoreError/stopped`` when the threads have ended.
    func onThread<R: Sendable>(_ work: @escaping @Sendable () throws -> R) async throws -> R {
        do {
            return try await shared.threads.runIfActive(work)
        } catch is NIOThreadPoolError.ThreadPoolInactive {
            throw GitStoreError.stopped
        }
    }

    /// How many items a thread works on before it does something else.
    private static let itemsAtOnce = 32

    /// Does work that blocks on the disk for each of many items, on half of the reading threads: others read
    /// meanwhile.
    /// - Returns: The answers in the items' order; nil for those that were not come to, as the task was
    ///   cancelled or the threads have ended.
    func onThreads<Item: Sendable, Answer: Sendable>(
        _ items: [Item], _ work: @escaping @Sendable (Item) -> Answer
    ) async -> [Answer?] {
        await withTaskGroup(of: (Int, [Answer]).self) { group in
            var answers = [Answer?](repeating: nil, count: items.count)
            var starts = stride(from: 0, to: items.count, by: Self.itemsAtOnce).makeIterator()
            func addTask() {
                guard !Task.isCancelled, let start = starts.next() else { return }
                let some = items[start...].prefix(Self.itemsAtOnce)
                group.addTask { (start, (try? await onThread { some.map(work) }) ?? []) }
            }
            for _ in 0..<max(1, configuration.threads / 2) { addTask() }
            while let (start, some) = await group.next() {
                answers.replaceSubrange(start..<start + some.count, with: some)
                addTask()
            }
            return answers
        }
    }
}
