import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Mirroring
import NIOCore
import Observability
import PluginHost

/// `/metrics` in Prometheus text form: for system administrators, or for all when the node says so.
struct MetricsRoutes {
    let hosting: Hosting
    let plugins: PluginHost
    let metrics: PrometheusRegistry
    let node: NodeReport
    let mirroring: Mirroring?

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "metrics") { request in
            if !node.metricsAnonymous {
                try await hosting.permissions.require(.sysAdmin, request.principal)
            }
            await plugins.recordMetrics()
            await mirroring?.recordMetrics()
            return Answer(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.exposition())))
        }
    }
}
