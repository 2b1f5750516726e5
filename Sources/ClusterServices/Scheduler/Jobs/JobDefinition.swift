package import Portable

/// What is to run, when, and how.
package struct JobDefinition: Sendable, Hashable {
    /// Whose job it is: a plugin's id, or ``hostNamespace``.
    package let namespace: String
    /// Unique within the namespace.
    package let name: String
    /// The name under which nodes have the code; the job's name unless told.
    package var runner: String
    /// When it runs.
    package var schedule: JobSchedule
    /// Which nodes run it.
    package var mode: Mode = .oncePerCluster
    /// Up to so many milliseconds are added to each time, always the same for a job: jobs with one schedule
    /// spread out.
    package var jitter: Int64 = 0
    /// What becomes of a time that comes while the job still runs.
    package var overlap: Overlap = .skip
    /// What becomes of times that passed while no node, or no database, was there.
    package var misfire: Misfire = .once
    /// Whether a run whose node died, or was stopped, is started again elsewhere.
    package var recovers = false
    /// Handed to each run.
    package var data: PortableValue = .null

    /// The server's own jobs.
    package static let hostNamespace = "perigee"

    /// Which nodes run a job.
    package enum Mode: String, Sendable, Hashable, CaseIterable {
        /// One of them for each time.
        case oncePerCluster = "once_per_cluster"
        /// Each of them, on its own.
        case everyNode = "every_node"
    }

    /// What becomes of a time that comes while the job still runs.
    package enum Overlap: String, Sendable, Hashable, CaseIterable {
        /// It is left out, and counted.
        case skip
        /// The job runs once more when the run has ended.
        case queue
    }

    /// What becomes of times that passed while the job could not be run.
    package enum Misfire: String, Sendable, Hashable, CaseIterable {
        /// All of them are made up for by one run.
        case once
        /// The next time is the next.
        case skip
    }

    /// - Parameters:
    ///   - runner: The job's name unless told.
    ///   - schedule: When it runs.
    package init(namespace: String, name: String, runner: String? = nil, schedule: JobSchedule) {
        self.namespace = namespace
        self.name = name
        self.runner = runner ?? name
        self.schedule = schedule
    }

    /// - Throws: ``JobError``.
    package func check() throws(JobError) {
        for text in [namespace, name, runner] where !Self.isName(text) { throw .invalidName(text) }
        try schedule.check()
        guard (0...86_400_000).contains(jitter) else {
            throw .invalidSchedule(problem: "a jitter of \(jitter) ms is not between 0 and a day")
        }
        _ = try encodedData()
    }

    func encodedData() throws(JobError) -> [UInt8] {
        do {
            return try MessagePack.encode(data, limits: .standard)
        } catch {
            throw .invalidData(problem: "\(error)")
        }
    }

    static func isName(_ text: String) -> Bool {
        (1...200).contains(text.utf8.count) && !text.utf8.contains(0)
    }
}
