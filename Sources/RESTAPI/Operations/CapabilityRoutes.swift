import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `/rest/capabilities`, with which new clients begin, and `/rest/`, which old ones ask by HEAD; anonymous.
struct CapabilityRoutes {
    let hosting: Hosting
    let node: NodeReport

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "") { _ in try .json(capabilities()) }
        group.answer(.get, "capabilities") { _ in try .json(capabilities()) }
    }

    /// - Source: clients look for `application: "stash"` to know the API's family.
    private func capabilities() -> PortableValue {
        let base = hosting.settings.baseURL.text
        return [
            "application": "stash",
            "buildDate": .string(node.application.buildDate),
            "capabilities": [
                "access-tokens": .string(base + "/rest/access-tokens/1.0"),
                "branch-utils": .string(base + "/rest/branch-utils/1.0"),
                "plugins": .string(base + "/rest/plugins/1.0"),
                "repository-mirroring": .string(base + "/rest/mirroring/1.0"),
                "repository-hooks": .string(base + "/rest/api/1.0"),
            ],
        ]
    }
}
