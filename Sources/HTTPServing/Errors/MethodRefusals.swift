import HTTPTypes
package import Hummingbird

/// 405 with the methods that would do, where a path exists but not with the method asked for.
package enum MethodRefusals {
    private static let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .delete, .patch, .options]

    /// Adds what the routes that the router has so far leave open; comes after them all.
    /// - Parameter prefixes: What the paths concerned begin with.
    package static func add(to router: Router<ServingContext>, below prefixes: [String]) {
        var allowed: [String: (path: RouterPath, methods: Set<HTTPRequest.Method>)] = [:]
        for route in router.routes where prefixes.contains(where: route.path.description.hasPrefix) {
            allowed[route.path.description, default: (route.path, [])].methods.insert(route.method)
        }
        for (path, present) in allowed.values {
            let names = methods.filter(present.contains).map(\.rawValue).joined(separator: ", ")
            for method in methods where !present.contains(method) {
                router.on(path, method: method) { _, _ -> Response in
                    throw RequestError(
                        .methodNotAllowed, "\(method.rawValue) is not for this address. Use \(names).",
                        headers: [.allow: names])
                }
            }
        }
    }
}
