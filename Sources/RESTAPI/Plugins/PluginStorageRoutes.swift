import HTTPServing
import Hosting
import Hummingbird
import PluginHost
import Portable

/// `/rest/plugins/.../{plugin}/kv`: what a plugin keeps in key-value storage, for system administrators, as
/// it may hold secrets.
struct PluginStorageRoutes {
    let hosting: Hosting
    let plugins: PluginHost

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, ":pluginId/kv", entries)
    }

    /// Pages by key, as entries come and go: `after` names the last key of the page before. A page ends
    /// before 4 MiB; `nextAfter` is null on the last one.
    private func entries(_ request: RESTRequest) async throws -> Answer {
        try await hosting.permissions.require(.sysAdmin, request.principal)
        let id = try request.path("pluginId")
        let limit = min(try request.query.wholeNumber("limit", minimum: 1) ?? 25, 1_000)
        let prefix = request.query.text("prefix") ?? ""
        let after = request.query.filledText("after")
        guard prefix.utf8.count <= 512, (after?.utf8.count ?? 0) <= 512 else {
            throw RequestError.badRequest("prefix", "A key has at most 512 bytes. Give a shorter text.")
        }
        do {
            let page = try await plugins.storedValues(of: id, prefix: prefix, after: after, limit: limit)
            return try .json([
                "size": .integer(Int64(page.entries.count)), "limit": .integer(Int64(limit)),
                "isLastPage": .bool(page.next == nil), "values": .list(page.entries),
                "nextAfter": page.next.map(PortableValue.string) ?? .null,
            ])
        } catch let error as PluginHostError {
            throw RequestError(error)
        }
    }
}
