import HTTPServing
import Hosting
import Hummingbird
import PluginHost
import Portable

/// `.../settings/hooks` of a repository: plugins that are switched on and set there; for its administrators.
struct RepositoryHookRoutes {
    private static let hooks = ResourcePath.repository + "/settings/hooks"

    let hosting: Hosting
    let plugins: PluginHost

    func add(to group: RouterGroup<ServingContext>) {
        group.answer(.get, RouterPath(Self.hooks), list)
        group.answer(.get, RouterPath(Self.hooks + "/:hookKey")) { request in
            try await inScope(request) { id, repository in try await show(id, in: repository) }
        }
        group.answer(.put, RouterPath(Self.hooks + "/:hookKey/enabled"), enable)
        group.answer(.delete, RouterPath(Self.hooks + "/:hookKey/enabled")) { request in
            try await inScope(request) { id, repository in
                try await plugins.setEnabled(false, plugin: id, scope: .repository(repository.id))
                return try await show(id, in: repository)
            }
        }
        group.answer(.get, RouterPath(Self.hooks + "/:hookKey/settings")) { request in
            try await inScope(request) { id, repository in
                try .json(try await plugins.settings(plugin: id, scope: .repository(repository.id)))
            }
        }
        group.answer(.put, RouterPath(Self.hooks + "/:hookKey/settings"), set)
        group.answer(.delete, RouterPath(Self.hooks + "/:hookKey/settings")) { request in
            try await inScope(request) { id, repository in
                try await plugins.deleteSettings(plugin: id, scope: .repository(repository.id))
                return .noContent
            }
        }
    }

    private func list(_ request: RESTRequest) async throws -> Answer {
        let repository = try await request.repository(of: hosting, requiring: .repoAdmin)
        let type = try request.query.choice("type", of: HookType.self)
        let found = await plugins.list().filter { plugin in
            plugin.hasRepositorySettings && (type == nil || type == HookType(plugin))
        }
        let page = Page(of: found, request: try request.page())
        var hooks: [PortableValue] = []
        for plugin in page.values { hooks.append(try await shape(plugin, in: repository)) }
        return try .page(
            Page(values: hooks, start: page.start, limit: page.limit, nextStart: page.nextStart)
        ) { $0 }
    }

    /// Switches the hook on; a body, if there is one, becomes its settings first.
    private func enable(_ request: RESTRequest) async throws -> Answer {
        try await inScope(request) { id, repository in
            let settings = try await request.request.jsonBody()
            if !settings.isNull {
                try await plugins.setSettings(settings, plugin: id, scope: .repository(repository.id))
            }
            try await plugins.setEnabled(true, plugin: id, scope: .repository(repository.id))
            return try await show(id, in: repository)
        }
    }

    private func set(_ request: RESTRequest) async throws -> Answer {
        try await inScope(request) { id, repository in
            let settings = try await request.request.jsonBody()
            try await plugins.setSettings(settings, plugin: id, scope: .repository(repository.id))
            return try .json(try await plugins.settings(plugin: id, scope: .repository(repository.id)))
        }
    }

    private func inScope(
        _ request: RESTRequest, _ action: (String, Repository) async throws -> Answer
    ) async throws -> Answer {
        let repository = try await request.repository(of: hosting, requiring: .repoAdmin)
        do {
            return try await action(request.path("hookKey"), repository)
        } catch let error as PluginHostError {
            throw RequestError(error)
        }
    }

    private func show(_ id: String, in repository: Repository) async throws -> Answer {
        let found = await plugins.list()
        guard let plugin = found.first(where: { $0.id == id && $0.hasRepositorySettings }) else {
            throw RequestError(noPlugin: id, among: found.filter(\.hasRepositorySettings))
        }
        return try .json(try await shape(plugin, in: repository))
    }

    /// - Source: Bitbucket Server, `RestRepositoryHook`: details, enabled, configured, scope.
    private func shape(_ plugin: PluginSummary, in repository: Repository) async throws -> PortableValue {
        let isEnabled = try await plugins.isEnabled(plugin: plugin.id, scope: .repository(repository.id))
        return [
            "details": [
                "key": .string(plugin.id), "name": .string(plugin.name),
                "type": .string(HookType(plugin).rawValue), "description": .optional(plugin.description),
                "version": .string(plugin.version), "configFormKey": nil, "supportedScopes": ["REPOSITORY"],
            ],
            "enabled": .bool(isEnabled), "configured": .bool(isEnabled),
            "scope": ["type": "REPOSITORY", "resourceId": .integer(repository.id.rawValue)],
        ]
    }
}

/// The original's kinds of hooks that plugins here can be.
private enum HookType: String, CaseIterable {
    case preReceive = "PRE_RECEIVE"
    case postReceive = "POST_RECEIVE"

    init(_ plugin: PluginSummary) {
        self = plugin.judgesPushes ? .preReceive : .postReceive
    }
}
