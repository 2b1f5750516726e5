import Testing

@testable import ClusterServices

/// What the end of a batch makes of its bucket's row.
struct BucketRowTests {
    private let settings = ExecutorSettings(batch: 10, attemptsMax: 3, backoff: .seconds(1))

    @Test func `a batch that is done makes room for the next`() {
        var row = BucketRow(head: 1, batchEnd: 5, suspectEnd: 0, attempts: 1, bytes: 90)
        let consequence = row.finish(.done, batchBytes: 50, settings: settings)
        #expect(consequence.finished == 1...5)
        #expect(consequence.deathError == nil)
        #expect(row == BucketRow(head: 6, batchEnd: 0, suspectEnd: 0, attempts: 0, bytes: 140))
    }

    @Test func `a batch that failed stays as it is, and rests twice as long each time`() {
        var row = BucketRow(head: 1, batchEnd: 5, suspectEnd: 0, attempts: 1, bytes: 90)
        let consequence = row.finish(.failed("x"), batchBytes: 50, settings: settings)
        #expect(consequence.finished == nil)
        #expect((1000...1250).contains(consequence.rest))
        #expect(row == BucketRow(head: 1, batchEnd: 5, suspectEnd: 0, attempts: 1, bytes: 90))
        #expect((2000...2500).contains(settings.rest(after: 2)))
        #expect((4000...5000).contains(settings.rest(after: 3)))
        #expect((300_000...375_000).contains(settings.rest(after: 1_000)))
        // Not all at the same moment, and never without a rest between.
        #expect(Set((0..<100).map { _ in settings.rest(after: 3) }).count > 1)
    }

    @Test func `before the last attempt a batch is taken apart`() {
        var row = BucketRow(head: 1, batchEnd: 5, suspectEnd: 0, attempts: 2, bytes: 90)
        _ = row.finish(.failed("x"), batchBytes: 50, settings: settings)
        #expect(row == BucketRow(head: 1, batchEnd: 1, suspectEnd: 5, attempts: 2, bytes: 90))
        row.attempts = 3
        let death = row.finish(.failed("y"), batchBytes: 10, settings: settings)
        #expect(death.finished == 1...1)
        #expect(death.deathError == "y")
        #expect(row == BucketRow(head: 2, batchEnd: 2, suspectEnd: 5, attempts: 2, bytes: 100))
        row = BucketRow(head: 5, batchEnd: 5, suspectEnd: 5, attempts: 3, bytes: 80)
        _ = row.finish(.done, batchBytes: 10, settings: settings)
        #expect(row == BucketRow(head: 6, batchEnd: 0, suspectEnd: 0, attempts: 0, bytes: 90))
    }

    @Test func `with a single attempt a batch dies as a whole`() {
        var row = BucketRow(head: 1, batchEnd: 5, suspectEnd: 0, attempts: 1, bytes: 50)
        let consequence = row.finish(
            .failed("x"), batchBytes: 50, settings: ExecutorSettings(batch: 5, attemptsMax: 1))
        #expect(consequence.finished == 1...5)
        #expect(consequence.deathError == "x")
        #expect(row.head == 6)
    }

    @Test func `a batch that is given back is as if it had not begun`() {
        var row = BucketRow(head: 1, batchEnd: 5, suspectEnd: 0, attempts: 1, bytes: 90)
        let consequence = row.finish(.givenBack(rest: 0), batchBytes: 50, settings: settings)
        #expect(consequence.finished == nil)
        #expect(consequence.rest == 0)
        #expect(row == BucketRow(head: 1, batchEnd: 0, suspectEnd: 0, attempts: 0, bytes: 90))
    }
}
