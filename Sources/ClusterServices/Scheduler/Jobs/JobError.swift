/// Why a job cannot be scheduled, or not be found.
package enum JobError: Error, Hashable, CustomStringConvertible {
    /// A namespace, job or runner has a name that is empty, too long, or holds a NUL.
    case invalidName(String)
    /// A length of time or a point in time is out of bounds; `problem` says which and what is allowed.
    case invalidSchedule(problem: String)
    /// The system's time zone database has no such zone.
    case unknownZone(String)
    /// The schedule names no time that is still to come.
    case neverRuns(schedule: String)
    /// The job's data is too large or too deep.
    case invalidData(problem: String)
    /// The namespace has as many jobs as it may.
    case tooManyJobs(limit: Int)
    /// There is no such job in the namespace.
    case noSuchJob(name: String)

    /// The fact as a lower-case clause.
    package var description: String {
        switch self {
        case .invalidName(let name):
            "\"\(name.prefix(40))\" of \(name.utf8.count) bytes is no name (1 to 200 bytes without NUL)"
        case .invalidSchedule(let problem): problem
        case .unknownZone(let name):
            "there is no time zone \"\(name.prefix(64))\"; names are such as \"Europe/Berlin\" or \"UTC\""
        case .neverRuns(let schedule): "the schedule \"\(schedule)\" has no time that is still to come"
        case .invalidData(let problem): "job data: \(problem)"
        case .tooManyJobs(let limit): "there may be at most \(limit) jobs"
        case .noSuchJob(let name): "there is no job \"\(name.prefix(200))\""
        }
    }
}
