import Testing

@testable import Node

@Suite struct VisitTests {
    @Test func `who waits for the end of all goes on when the last is over`() async {
        let visits = Visits()
        await visits.waitForNone()
        var held = [visits.begin(), visits.begin()]
        let waiting = Task { await visits.waitForNone() }
        held.removeLast()
        #expect(!waiting.isCancelled)
        held.removeAll()
        await waiting.value
    }

    @Test func `who is cancelled waits no longer`() async {
        let visits = Visits()
        let visit = visits.begin()
        let waiting = Task { await visits.waitForNone() }
        waiting.cancel()
        await waiting.value
        withExtendedLifetime(visit) {}
    }
}
