/// What the row of a bucket says of its tasks, and how the end of a batch changes that.
struct BucketRow: Sendable, Hashable {
    /// The number of the oldest task.
    var head: Int64
    /// The last task of the batch that was begun; 0 when none was.
    var batchEnd: Int64
    /// Tasks up to here come alone, as their last attempt; 0 for none.
    var suspectEnd: Int64
    /// How often the batch was begun.
    var attempts: Int64
    /// Of the payloads before `head`.
    var bytes: Int64

    /// How a batch ended.
    enum Outcome: Sendable, Hashable {
        case done
        case failed(String)
        /// Not worked on; the attempt does not count. The bucket rests for so many milliseconds.
        case givenBack(rest: Int64)
    }

    /// What is to be done beside the change of the row.
    struct Consequence: Sendable, Hashable {
        /// The tasks to be deleted; `nil` when the batch stays.
        var finished: ClosedRange<Int64>?
        /// Why those become dead letters; `nil` when they are done.
        var deathError: String?
        /// How often they were tried.
        var attempts: Int64
        /// How long the bucket rests, in milliseconds.
        var rest: Int64 = 0
        /// What the row says of the failure.
        var error: String?
    }

    /// Ends the batch.
    /// - Parameter batchBytes: Of the batch's payloads.
    mutating func finish(_ outcome: Outcome, batchBytes: Int64, settings: ExecutorSettings) -> Consequence {
        var consequence = Consequence(finished: nil, deathError: nil, attempts: attempts)
        let attemptsMax = Int64(settings.attemptsMax)
        switch outcome {
        case .done:
            consequence.finished = head...max(head, batchEnd)
            next(batchBytes, attemptsMax: attemptsMax)
        case .failed(let error) where attempts >= attemptsMax && batchEnd > head && attemptsMax > 1:
            comeAlone(attemptsMax)
            consequence.error = error
        case .failed(let error) where attempts >= attemptsMax:
            consequence.finished = head...max(head, batchEnd)
            consequence.deathError = error
            next(batchBytes, attemptsMax: attemptsMax)
        case .failed(let error):
            if attempts == attemptsMax - 1, batchEnd > head { comeAlone(attemptsMax) }
            consequence.rest = settings.rest(after: attempts)
            consequence.error = error
        case .givenBack(let rest):
            consequence.rest = rest
            attempts = max(0, attempts - 1)
            if attempts == 0 { batchEnd = 0 }
        }
        return consequence
    }

    /// For the last attempt each task is alone, so that one that always fails takes no other with it.
    private mutating func comeAlone(_ attemptsMax: Int64) {
        suspectEnd = batchEnd
        batchEnd = head
        attempts = attemptsMax - 1
    }

    private mutating func next(_ batchBytes: Int64, attemptsMax: Int64) {
        head = max(head, batchEnd) + 1
        bytes += batchBytes
        if head <= suspectEnd, attemptsMax > 1 {
            batchEnd = head
            attempts = attemptsMax - 1
        } else {
            (batchEnd, suspectEnd, attempts) = (0, 0, 0)
        }
    }
}
