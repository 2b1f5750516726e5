import Foundation
import HTTPServing
import Hosting
import Hummingbird
import Logging
import NIOPosix
import NodeTestKit
import ServiceLifecycle
import Testing

@testable import Node
@testable import RESTAPI

/// The node's own state as `/status` shows it, also where a node gets to only when something else goes wrong.
@Suite struct StatusRouteTests {
    @Test func `each state has its word and its code`() async throws {
        try await withStatus { status, client in
            func expect(_ code: Int, _ word: String, strict: Int? = nil) async throws {
                let body = "{\"state\":\"\(word)\"}"
                let (plain, hard) = (
                    try await client.get("/status"), try await client.get("/status?strict=1")
                )
                #expect(plain.status == code && plain.text == body, "\(word): \(plain.status) \(plain.text)")
                #expect(hard.status == strict ?? code && hard.text == body, "\(word): \(hard.status)")
                let head = try await client.send("HEAD", "/status")
                #expect(head.status == code)
            }
            try await expect(503, "STARTING")
            status.serve()
            try await expect(200, "RUNNING")
            status.set(.firstRun, true)
            try await expect(200, "FIRST_RUN")
            status.set(.maintenance, true)
            try await expect(200, "MAINTENANCE", strict: 503)
            status.set(.databaseAway, true)
            try await expect(500, "ERROR")
            for condition in NodeStatus.Condition.allCases { status.set(condition, false) }
            try await expect(200, "RUNNING")
            status.set(.databaseAway, true)
            status.stop()
            try await expect(503, "STOPPING")
            // There is no way back.
            status.serve()
            status.fail()
            try await expect(503, "STOPPING")
        }
    }

    @Test func `a start that went wrong is an error for as long as somebody can ask`() async throws {
        try await withStatus { status, client in
            status.fail()
            status.serve()
            status.stop()
            let answer = try await client.get("/status")
            #expect(answer.status == 500)
            #expect(answer.text == #"{"state":"ERROR"}"#)
        }
    }

    /// Serves the route alone, over a socket.
    private func withStatus(_ body: @Sendable (NodeStatus, HTTPClient) async throws -> Void) async throws {
        let (status, port) = (NodeStatus(), BoundPort())
        let application = ApplicationProperties(
            version: "1.0.0", buildNumber: "1", buildDate: "0", displayName: "Test")
        let report = NodeReport(application: application, metricsAnonymous: false) { status.state }
        let router = HTTPServing.router { _ in .anonymous }
        StatusRoutes(node: report).add(to: router.group())
        let service = try HTTPServing.service(
            router: router, configuration: HTTPServingConfiguration(address: "127.0.0.1", port: 0),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test")
        ) { port.settle($0) }
        let group = ServiceGroup(services: [service], logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body(status, HTTPClient(port: try await port.wait()))
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
