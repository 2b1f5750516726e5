import Portable
import Testing

@testable import Node

@Suite struct DoctorClockTests {
    @Test(
        arguments: [
            (0, "OK"), (-900, "OK"), (4_000, "OK"), (-6_000, "WARNING"), (30_000, "WARNING"),
            (31_000, "PROBLEM"),
            (-412_000, "PROBLEM"),
        ] as [(Int64, String)])
    func `clocks may differ by thirty seconds`(_ difference: Int64, _ result: String) {
        let finding = MirrorDoctor.clock("clock", difference, whose: "This machine's clock")
        #expect(finding.result.rawValue == result)
        #expect((finding.advice == nil) == (result == "OK"))
    }

    @Test func `the difference and its side are named`() {
        let behind = MirrorDoctor.clock("clock", -412_000, whose: "The clock of node0")
        #expect(behind.text == "The clock of node0 is 412.0 s behind.")
        #expect(MirrorDoctor.clock("clock", 7_000, whose: "It").text == "It is 7.0 s ahead.")
    }
}
