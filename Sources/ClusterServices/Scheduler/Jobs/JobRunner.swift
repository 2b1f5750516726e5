import Synchronization

/// The code of jobs: runs one, and ends when it has run.
/// - Returns: What is kept as the run's message.
/// - Throws: What is kept as the run's failure; a `CancellationError` when it stopped because it was told to.
package typealias JobRunner = @Sendable (RunningJob) async throws -> String?

/// A runner that this node has. Ends when it is cancelled.
package final class JobRunnerRegistration: Sendable {
    /// Whose code it is.
    package let namespace: String
    /// The runner's name.
    package let name: String

    let number: Int
    let runner: JobRunner
    private let onCancel: @Sendable (JobRunnerRegistration) -> Void

    init(
        namespace: String, name: String, number: Int, runner: @escaping JobRunner,
        onCancel: @escaping @Sendable (JobRunnerRegistration) -> Void
    ) {
        self.namespace = namespace
        self.name = name
        self.number = number
        self.runner = runner
        self.onCancel = onCancel
    }

    /// Has this runner start nothing more, and tells what it runs to stop. Other nodes go on with the jobs;
    /// an older runner of the same name on this node, where there is one, does as well. Cancelling twice does
    /// nothing.
    package func cancel() { onCancel(self) }
}
