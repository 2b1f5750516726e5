import HostAPI
import PluginHost
import Testing

/// What plugins call again and again does not go the long way of registrations.
@Suite struct QuickWayTests {
    @Test func `functions that answer at once go the long way at load alone`() {
        let modules = HostAPI.modules(cluster: ClusterAPIs())
        #expect(modules.count > 10)
        for module in modules {
            for function in module.functions + module.classes.flatMap(\.methods)
            where function.phase != .registration {
                switch function.body {
                case .immediate, .making:
                    Issue.record("\(module.name): \(function.name) answers at once, and should be quick")
                default: break
                }
            }
        }
    }
}
