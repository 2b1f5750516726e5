import ClusterServices
import Logging
import LuaRuntime
import Metrics
import Portable

/// Builds a running state of a plugin: context, Lua state, main chunk.
struct PluginLoader: Sendable {
    let ceilings: PluginCeilings
    let modules: [HostModule]
    let settings: PluginSettingStore
    let firstPartyPool: LuaThreadPool
    let installedPool: LuaThreadPool

    /// Runs the plugin's main chunk; nothing is served yet.
    /// - Parameter outbox: Where the plugin's own events go.
    /// - Throws: ``PackageProblem`` whose text names the file and the line where there is one.
    func load(
        _ candidate: PluginCandidate, outbox: PluginOutbox
    ) async throws(PackageProblem) -> PluginInstance {
        let package = try candidate.package.get()
        let manifest = package.manifest
        if let problem = manifest.limits.problem(ceilings: ceilings) ?? kvProblem(manifest) {
            throw PackageProblem(text: "\(problem)")
        }
        let context: PluginContext
        do {
            context = try await makeContext(manifest, isFirstParty: candidate.isFirstParty, outbox: outbox)
        } catch {
            throw PackageProblem(text: "its settings cannot be read: \(error)")
        }
        do {
            let state = try makeState(package, context: context, isFirstParty: candidate.isFirstParty)
            return try await run(state, context: context)
        } catch {
            FailureLog.write(error, while: "loading", to: context.logger)
            throw PackageProblem(text: Self.reason(error, main: manifest.main))
        }
    }

    private func run(_ state: LuaState, context: PluginContext) async throws(LuaError) -> PluginInstance {
        do {
            try await state.load(context.manifest.main)
        } catch {
            await state.close()
            throw error
        }
        context.endRegistration()
        return PluginInstance(context: context, state: state)
    }

    private func kvProblem(_ manifest: PluginManifest) -> ManifestError? {
        guard let bytes = manifest.permissions.kvBytesMax, bytes > ceilings.kvBytesMax else { return nil }
        return ManifestError(
            "permissions.kv", "this server allows at most \(SizeText.text(bytes: ceilings.kvBytesMax))")
    }

    private func makeContext(
        _ manifest: PluginManifest, isFirstParty: Bool, outbox: PluginOutbox
    ) async throws -> PluginContext {
        let store = settings
        let stored = try await store.fetchDecision(plugin: manifest.id, scope: .global)
        return PluginContext(
            manifest: manifest, isFirstParty: isFirstParty,
            logger: Logger(label: "perigee.plugin.\(manifest.id)"),
            logLinesPerSecond: ceilings.logLinesPerSecond,
            settings: manifest.config.resolved(stored.settings),
            fetchRepositorySettings: { repository in
                guard let schema = manifest.repositoryConfig else { return [:] }
                let decision = try await store.fetchDecision(
                    plugin: manifest.id, scope: .repository(repository))
                return decision.isEnabled == true ? schema.resolved(decision.settings) : nil
            },
            sendEvent: { key, payload in
                outbox.send(Event(key: key, payload: payload, id: EventNumber.next()))
            })
    }

    private func makeState(
        _ package: PluginPackage, context: PluginContext, isFirstParty: Bool
    ) throws(LuaError) -> LuaState {
        let log = context.log
        let manifest = package.manifest
        let logger = context.logger
        let report = HostCallReport(
            permissionDenied: { function, permission in
                logger.warning(
                    "permission denied",
                    metadata: ["function": "\(function)", "needs": "\(permission.manifestLine)"])
                Counter(
                    label: "perigee.plugin.permission.denied",
                    dimensions: [("plugin", manifest.id), ("function", function)]
                ).increment()
            },
            failed: { function, error in
                logger.error("host call failed", metadata: ["function": "\(function)", "error": "\(error)"])
            })
        return try LuaState(
            name: manifest.id, limits: limits(manifest),
            functions: HostFunctionBinding.functions(modules, context: context, report: report),
            constants: HostFunctionBinding.constants(modules, context: context), sources: package.sources,
            pool: isFirstParty ? firstPartyPool : installedPool,
            log: { line in
                log.write(
                    line.source == .warn ? .warning : .info, line.message,
                    fields: line.position.map { ["at": "\($0)"] } ?? [:])
            })
    }

    private func limits(_ manifest: PluginManifest) -> LuaLimits {
        LuaLimits(
            memoryBytesMax: Int(manifest.limits.memoryBytesMax ?? ceilings.memoryBytesMax),
            handlerCPU: manifest.limits.handlerCPUMilliseconds.map(Duration.milliseconds)
                ?? ceilings.handlerCPU,
            loadCPU: ceilings.loadCPU, valueBytesMax: EventPayload.bytesMax)
    }

    private static func reason(_ error: LuaError, main: String) -> String {
        switch error {
        case .timeout, .outOfMemory, .killed: "\(main): \(error) while its main chunk ran"
        default: "\(error)"
        }
    }
}
