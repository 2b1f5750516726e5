import Mirroring
import Testing

/// When a node that the upstream does not answer must no longer serve.
struct FellowWatchTests {
    private func reason(
        _ watch: inout FellowWatch, _ answers: [String: FellowWatch.Answer], _ seconds: Int64
    ) -> FellowWatch.Reason? {
        watch.reasonToLeave(answers, before: .seconds(seconds), after: .seconds(seconds + 1))
    }

    @Test func `it leaves when the upstream answers a fellow`() {
        var watch = FellowWatch()
        // Two seconds ago is what every open question looks like.
        #expect(reason(&watch, ["b": .silence(.seconds(2))], 6) == nil)
        #expect(reason(&watch, ["b": .silence(.seconds(2)), "c": .nothing], 7) == .goesOn(fellow: "b"))
    }

    @Test func `it stays when no fellow is answered either, or runs`() {
        var watch = FellowWatch()
        for second in Int64(5)..<60 {
            let answers: [String: FellowWatch.Answer] = [
                "b": .silence(.seconds(second - 1)), "c": .silence(nil), "d": .gone,
            ]
            #expect(reason(&watch, answers, second) == nil)
        }
        #expect(reason(&watch, [:], 60) == nil)
    }

    @Test func `it leaves before its lease is over when a fellow cannot be asked`() {
        var watch = FellowWatch()
        #expect(reason(&watch, ["b": .nothing], 4) == nil)
        #expect(reason(&watch, ["b": .nothing, "c": .gone], 6) == .unknown(fellow: "b"))
        // The question before the last answer, the last look that was in vain, a pause, and one more.
        let worst = FellowWatch.patience + .milliseconds(500) + FellowWatch.answerMax + .seconds(2)
        #expect(worst < .seconds(10))
    }

    @Test func `a fellow that was cut off, too, and is gone then, keeps nobody from serving`() {
        var watch = FellowWatch()
        #expect(reason(&watch, ["b": .silence(.seconds(4))], 6) == nil)
        for second in Int64(7)..<60 { #expect(reason(&watch, ["b": .nothing], second) == nil) }
        #expect(reason(&watch, ["b": .silence(.seconds(1))], 60) == .goesOn(fellow: "b"))
        // A silence that says nothing yet is none.
        var other = FellowWatch()
        #expect(reason(&other, ["b": .silence(.seconds(2.5))], 6) == nil)
        #expect(reason(&other, ["b": .nothing], 7) == .unknown(fellow: "b"))
    }
}
