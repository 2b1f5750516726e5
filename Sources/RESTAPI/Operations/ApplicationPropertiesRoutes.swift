import HTTPServing
import Hummingbird
import Portable

/// `application-properties`: what this server is; anonymous.
struct ApplicationPropertiesRoutes {
    let node: NodeReport

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "application-properties") { _ in
            try .json([
                "version": .string(node.application.version),
                "buildNumber": .string(node.application.buildNumber),
                "buildDate": .string(node.application.buildDate),
                "displayName": .string(node.application.displayName),
            ])
        }
    }
}
