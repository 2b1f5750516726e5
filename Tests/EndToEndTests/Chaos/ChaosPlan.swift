/// Which faults are to happen, and when: the same ones for the same seed.
struct ChaosPlan: Sendable {
    /// What happens to one node.
    enum NodeFault: String, CaseIterable, Sendable {
        /// SIGKILL; started again after a while.
        case kill
        /// SIGTERM; started again after a while.
        case stop
        /// SIGSTOP, and SIGCONT after a while.
        case sleep
        /// Nothing goes between it and the database for a while.
        case cut
        /// All its connections to the database are reset.
        case reset
    }

    /// What happens to the database.
    enum DatabaseFault: String, CaseIterable, Sendable {
        /// One session is terminated.
        case terminate
        /// An orderly restart.
        case restart
        /// SIGKILL, and a start.
        case crash
        /// SIGSTOP of all its processes, and SIGCONT after a while.
        case freeze
        /// Somebody else leaves a transaction open that has looked at all tables.
        case bystander
    }

    /// A fault with when it comes.
    struct Step<Fault: Sendable>: Sendable {
        /// Since the end of the fault before.
        let pause: Duration
        let fault: Fault
        /// Of what lasts for a while.
        let duration: Duration
        /// Which one of several, where there is a choice.
        let choice: Int
    }

    let seed: UInt64
    /// Each node's faults, one after another.
    let nodes: [[Step<NodeFault>]]
    /// The database's faults, one after another, beside those of the nodes.
    let database: [Step<DatabaseFault>]

    /// - Parameter seconds: How long the run is to be; there are more faults than fit in.
    /// - Parameter lease: Faults that last are shorter and longer than it.
    init(seed: UInt64, seconds: Int, nodes: Int, lease: Duration) {
        self.seed = seed
        var numbers = SeededNumbers(seed: seed)
        let count = max(4, seconds)
        self.nodes = (0..<nodes).map { _ in
            (0..<count).map { _ in
                Self.step(NodeFault.allCases, pause: 1_500...7_000, lease: lease, &numbers)
            }
        }
        database = (0..<count).map { _ in
            Self.step(DatabaseFault.allCases, pause: 1_000...6_000, lease: lease, &numbers)
        }
    }

    private static func step<Fault>(
        _ faults: [Fault], pause: ClosedRange<Int>, lease: Duration, _ numbers: inout SeededNumbers
    ) -> Step<Fault> {
        let longest = Int(lease * 2 / .milliseconds(1))
        return Step(
            pause: .milliseconds(Int.random(in: pause, using: &numbers)),
            fault: faults[Int.random(in: faults.indices, using: &numbers)],
            duration: .milliseconds(Int.random(in: 100...longest, using: &numbers)),
            choice: Int.random(in: 0..<1_000_000, using: &numbers))
    }
}

/// Numbers that depend on nothing but the seed.
/// - Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators": SplitMix64.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
