import HTTPServing
import Hosting
import Hummingbird
import PluginHost
import Portable

/// `/rest/plugins/...`: what is installed, for administrators; switching and reloading, for system
/// administrators.
struct PluginRoutes {
    let hosting: Hosting
    let plugins: PluginHost

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, "") { request in
            try await hosting.permissions.require(.admin, request.principal)
            if try request.query.flag("statistics") == true {
                return try .page(Page(of: await plugins.figures(), request: request.page())) { $0 }
            }
            return try .page(Page(of: await plugins.list(), request: request.page())) { $0.portable }
        }
        group.answer(.get, ":pluginId") { request in
            try await hosting.permissions.require(.admin, request.principal)
            return try await detail(request.path("pluginId"))
        }
        group.answer(.put, ":pluginId/enable") { try await change($0) { try await plugins.enable($0) } }
        group.answer(.put, ":pluginId/disable") { try await change($0) { try await plugins.disable($0) } }
        group.answer(.put, ":pluginId/reload") { try await change($0) { try await plugins.reload($0) } }
        group.answer(.put, ":pluginId/release") { request in
            try await change(request) { id in
                try await plugins.release(id, by: request.principal.user?.name ?? "the local operator")
            }
        }
        group.answer(.get, ":pluginId/settings", settings)
        group.answer(.put, ":pluginId/settings") { request in
            try await change(request) { id in
                let settings = try await request.request.jsonBody()
                try await plugins.setSettings(settings, plugin: id, scope: .global)
            }
        }
        group.answer(.delete, ":pluginId/settings") { request in
            try await change(request) { try await plugins.deleteSettings(plugin: $0, scope: .global) }
        }
    }

    private func detail(_ id: String) async throws -> Answer {
        guard let detail = await plugins.detail(id) else {
            throw await RequestError(noPlugin: id, among: plugins.list())
        }
        return try .json(detail.portable)
    }

    private func change(
        _ request: RESTRequest, _ action: (String) async throws -> Void
    ) async throws -> Answer {
        try await hosting.permissions.require(.sysAdmin, request.principal)
        let id = try request.path("pluginId")
        do {
            try await action(id)
        } catch let error as PluginHostError {
            throw RequestError(error)
        }
        return try await detail(id)
    }

    private func settings(_ request: RESTRequest) async throws -> Answer {
        try await hosting.permissions.require(.admin, request.principal)
        do {
            return try .json(
                try await plugins.settings(plugin: request.path("pluginId"), scope: .global))
        } catch let error as PluginHostError {
            throw RequestError(error)
        }
    }
}
