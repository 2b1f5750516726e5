package import Portable
import Synchronization

/// A run as its runner sees it.
package final class RunningJob: Sendable {
    /// Whose job it is.
    package let namespace: String
    /// The job's name.
    package let name: String
    /// What was handed over when the job was scheduled.
    package let data: PortableValue
    /// The run: its token, the time that it is for, and why it runs.
    package let run: JobRun
    /// On which life of this node it runs.
    package let incarnation: NodeIncarnation

    let key: JobKey
    private let membership: Membership
    private let wasTold = Mutex(false)

    init(
        _ row: JobRow, _ run: JobRun, data: PortableValue, incarnation: NodeIncarnation,
        membership: Membership
    ) {
        key = row.key
        namespace = row.key.namespace
        name = row.key.name
        self.data = data
        self.run = run
        self.incarnation = incarnation
        self.membership = membership
    }

    /// Whether it is to stop: somebody told it, or this node's lease has ended, so that the job may run
    /// elsewhere. Once it is true it stays so, hence it waits for a lease in doubt to end or to be renewed.
    /// Costs no more than reading a clock.
    package var isCancelled: Bool {
        wasTold.withLock { wasTold in
            if !wasTold { wasTold = hasEnded }
            return wasTold
        }
    }

    /// Whether the life of this node that it belongs to has ended: then it is somebody else's, or nobody's.
    var hasEnded: Bool { membership.hasEnded(incarnation) }

    /// Whether it has been told to stop.
    var wasCancelled: Bool { wasTold.withLock { $0 } }

    /// Tells it to stop.
    package func cancel() { wasTold.withLock { $0 = true } }
}
