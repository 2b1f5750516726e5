import ClusterServices
import HTTPServing
import Hosting
import Hummingbird
import Portable

/// `admin/locks`: the locks of the cluster that are held; for administrators. Breaking one is for system
/// administrators.
struct LockRoutes {
    let hosting: Hosting
    let locks: LockService

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "admin/locks") { request in
            try await hosting.permissions.require(.admin, request.principal)
            let held = try await locks.list(namespace: request.query.filledText("namespace"))
            return try .page(Page(of: held, request: request.page())) { $0.portable }
        }
        group.answer(.delete, "admin/locks") { request in
            try await hosting.permissions.require(.sysAdmin, request.principal)
            guard let namespace = request.query.filledText("namespace"),
                let name = request.query.filledText("name")
            else {
                throw RequestError.badRequest("name", "Say which lock: give namespace and name.")
            }
            let isBroken = try await locks.breakLock(LockName(namespace: namespace, name: name))
            return try .json(["broken": .bool(isBroken)])
        }
    }
}

extension LockDescription {
    fileprivate var portable: PortableValue {
        [
            "namespace": .string(name.namespace), "name": .string(name.name), "token": .string("\(token)"),
            "label": .optional(label), "node": ["id": .string(nodeID), "name": .string(nodeName)],
            "ageMillis": .integer(ageMilliseconds), "waiters": .integer(waiters),
        ]
    }
}
