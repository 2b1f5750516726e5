import Portable
import Testing

/// That what must not be is found in a history.
@Suite struct ChaosHistoryTests {
    /// A node's log with these records.
    private func history(_ records: String..., losses: String = "") -> ChaosHistory {
        var history = ChaosHistory()
        for (node, records) in records.enumerated() {
            let line = "2026-11-21T00:00:00.000Z INFO  perigee.plugin.com.example.chaos history \(records);"
            history.read(line + "\n" + losses, node: node)
        }
        return history
    }

    private let delivered: [PortableValue] = [["key": "b/3", "value": ["node1-7": 5]]]

    @Test func `a history in which all is well has no violations`() {
        let history = history(
            "g,1,10,100,120;g,1,12,130,140;c,1,10,105;w,1,10,105,accepted;n,1,1,4,accepted;n,1,2,5,accepted",
            "g,1,11,121,129;w,1,10,150,refused;c,1,12,135;t,1000,1,1,schedule;t,1000,2,2,recovered",
            "t,2000,3,1,schedule;s,node1-7,3,5;b,3,100,110;b,3,110,120;b,4,100,120",
            "p,copies,node1,5,100;p,copies,node1,7,200;q,copies,node1,6;r,copies,node1,5,3200",
            "r,copies,node1,7,3201;r,copies,node1,6,9000;r,copies,node1,8,9000;r,loaded,node1,5,9000")
        #expect(history.violations(delivered: delivered) == [])
        #expect(history.sentCount == 1 && history.runs.count == 3)
    }

    @Test(arguments: [
        "g,1,10,100,120;g,1,11,110,130",
        "g,1,10,100,120;g,1,9,121,130",
        "g,1,10,100,101;g,1,10,150,160",
        "c,1,10,105;w,1,9,106,accepted",
        "n,1,10,5,accepted;n,1,11,5,accepted",
        "t,1000,1,1,schedule;t,1000,2,1,schedule",
        "t,1000,1,1,schedule;t,1000,2,2,schedule",
        "t,2000,1,1,schedule;t,1000,2,1,schedule",
        "s,node1-7,3,6",
        "s,node2-7,3,1",
        "b,3,100,110;b,3,105,120",
        "p,copies,node1,5,100;p,copies,node1,7,200;r,copies,node1,5,3201",
        "p,copies,node1,7,200;p,copies,node1,5,100;q,loaded,node1,5;r,copies,node1,5,3201",
        "x,bucket 3 of node1-7: 5 after 3",
        "g,1,2",
    ])
    func `what must not be is found`(_ records: String) {
        #expect(history(records).violations(delivered: delivered).count == 1)
    }

    @Test func `what a node does that has lost its lease may overlap`() {
        let loss =
            "1970-01-01T00:00:00.106Z WARNING perigee.cluster the lease in the cluster is lost reason=x"
        #expect(history("b,3,100,110;b,3,105,120", losses: loss).violations(delivered: delivered) == [])
    }

    @Test func `the same seed gives the same faults`() {
        let plans = [7, 7, 8].map { (seed: UInt64) in
            "\(ChaosPlan(seed: seed, seconds: 30, nodes: 3, lease: .seconds(2)))"
        }
        #expect(plans[0] == plans[1])
        #expect(plans[0] != plans[2])
    }
}
