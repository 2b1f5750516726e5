package import NIOCore

/// Runs a connection's tasks on the event loop that has its sockets and pipes.
///
/// On the shared pool each step of a request is woken on another thread; a push has some sixty of them.
package final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    /// - Parameter eventLoop: The connection's.
    package init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Runs a part of a task on the next turn of the loop.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        eventLoop.execute { job.runSynchronously(on: executor) }
    }
}
