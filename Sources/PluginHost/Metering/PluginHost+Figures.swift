import Metrics
package import Portable

extension PluginHost {
    /// Every plugin with its figures, in the order it was loaded, in the JSON shape of the REST API: the
    /// fields of the list, and `statistics`.
    package func figures() -> [PortableValue] {
        order.compactMap { id in
            guard let slot = slots[id], case .map(var map) = slot.summary.portable else { return nil }
            map["statistics"] = slot.statistics(meters[id]).portable
            return .map(map)
        }
    }

    /// Brings the metrics that are read now and then up to date.
    package func recordMetrics() {
        for (id, slot) in slots {
            let statistics = slot.statistics(meters[id])
            PluginMetrics(pluginID: id).record(statistics)
            meters[id]?.report(statistics.hostCalls)
            Gauge(label: "perigee.plugin.quarantined", dimensions: [("plugin", id)])
                .record(slot.state.quarantine == nil ? 0 : 1)
        }
    }
}
