import Testing

@testable import Hosting

@Suite struct RememberedAnswersTests {
    @Test func `what was said is said again until it is too old or changed`() async throws {
        let memory = RememberedAnswers<String, Int>(lifetime: .seconds(60))
        #expect(memory.recall("a") == nil)
        memory.note("a", 1, generation: memory.generation)
        #expect(memory.recall("a")?.answer == 1)
        memory.note("a", nil, generation: memory.generation)
        #expect(memory.recall("a") == nil)
        memory.note("a", 2, generation: memory.generation)
        memory.forgetAll()
        #expect(memory.recall("a") == nil)
        let old = RememberedAnswers<String, Int>(lifetime: .zero)
        old.note("a", 1, generation: old.generation)
        #expect(old.recall("a") == nil)
    }

    @Test func `an answer from before a change is not remembered after it`() {
        let memory = RememberedAnswers<String, Int>()
        let asked = memory.generation
        memory.forgetAll()
        memory.note("a", 1, generation: asked)
        #expect(memory.recall("a") == nil)
    }

    @Test func `it remembers no more than it may`() {
        let memory = RememberedAnswers<Int, Int>(countMax: 10)
        for number in 0..<25 { memory.note(number, number, generation: memory.generation) }
        #expect((0..<25).filter { memory.recall($0) != nil }.count <= 10)
        #expect(memory.recall(24)?.answer == 24)
    }
}
