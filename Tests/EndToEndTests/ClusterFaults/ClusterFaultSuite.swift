import Foundation
import NodeTestKit
import Testing

/// What three real nodes keep when nodes, the database or the network between them fail. All suites below
/// share one cluster, one test at a time.
@Suite(.onOneCluster, .serialized)
enum ClusterFaultSuite {
    @TaskLocal static var current: RunningCluster?

    /// The cluster, with the plugin `com.example.witness`, whatever the test before has left.
    static var healed: RunningCluster {
        get async throws {
            let cluster = try #require(current)
            try await cluster.heal()
            return cluster
        }
    }

    /// A word that no other test uses.
    static func unique(_ prefix: String) -> String {
        prefix + UUID().uuidString.prefix(8).lowercased()
    }
}

/// Starts a cluster before a suite and stops it after.
struct ClusterScope: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let cluster = try await RunningCluster.prepare()
        try cluster.install(Fixture.folder("com.example.witness"))
        try await cluster.start()
        try await ClusterFaultSuite.$current.withValue(cluster) { try await function() }
        try await cluster.stop()
    }
}

extension Trait where Self == ClusterScope {
    /// All tests of the suite use one cluster of three nodes.
    static var onOneCluster: Self { ClusterScope() }
}

/// The plugins that tests install.
enum Fixture {
    /// Where one is in the source tree.
    static func folder(_ id: String) -> String {
        "\(Executable.sourceRoot)/Tests/EndToEndTests/fixtures/\(id)"
    }
}
