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
    /// Where refused permissions are noted.
    let audit: Logger

    /// Runs the plugin's main chunk; nothing is served yet.
    /// - Parameter outbox: Where the plugin's own events go.
    /// - Parameter meter: Counts what the plugin does.
    /// - Throws: ``PackageProblem`` whose text names the file and the line where there is one.
    func load(
        _ candidate: PluginCandidate, outbox: PluginOutbox, meter: PluginMeter
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
            let state = try makeState(
                package, context: context, isFirstParty: candidate.isFirstParty, meter: meter)
            meter.follow(state, log: context.log)
            return try await run(PluginInstance(context: context, state: state, meter: meter))
        } catch {
            FailureLog.write(error, while: "loading", to: context.failures)
            throw PackageProblem(text: Self.reason(error, main: manifest.main))
        }
    }

    private func run(_ instance: PluginInstance) async throws(LuaError) -> PluginInstance {
        // Bounded by its own budget, and somebody waits for it: the node's start, or an operator.
        instance.state.beginUrgentWork()
        defer { instance.state.endUrgentWork() }
        do {
            try await instance.state.load(instance.context.manifest.main)
        } catch {
            instance.meter.failed(error)
            await instance.close()
            throw error
        }
        instance.context.endRegistration()
        return instance
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
        _ package: PluginPackage, context: PluginContext, isFirstParty: Bool, meter: PluginMeter
    ) throws(LuaError) -> LuaState {
        let log = context.log
        let manifest = package.manifest
        return try LuaState(
            name: manifest.id, limits: limits(manifest), classes: HostFunctionBinding.classes(modules),
            functions: HostFunctionBinding.functions(
                modules, context: context, meter: meter, report: report(context)),
            constants: HostFunctionBinding.constants(modules, context: context), sources: package.sources,
            pool: isFirstParty ? firstPartyPool : installedPool,
            log: { line in
                log.write(
                    line.source == .warn ? .warning : .info, line.message,
                    fields: line.position.map { ["at": "\($0)"] } ?? [:])
            }, runEnded: { [handles = context.handles] run in handles.endRun(run) })
    }

    private func report(_ context: PluginContext) -> HostCallReport {
        // A plugin that asks in a loop fills no log: the counter has every refusal.
        let audit = PluginLog(logger: audit, linesPerSecond: 10)
        let (id, version, failures) = (context.id, context.version, context.failures)
        return HostCallReport(
            permissionDenied: { function, permission, position in
                var fields: Logger.Metadata = [
                    "plugin.id": "\(id)", "version": "\(version)", "function": "\(function)",
                    "needs": "\(permission.manifestLine)",
                ]
                if let position { fields["at"] = "\(position)" }
                audit.write(.warning, "permission denied", fields: fields)
                Counter(
                    label: "perigee.plugin.permission.denied",
                    dimensions: [("plugin", id), ("function", function)]
                ).increment()
            },
            failed: { function, error in
                failures.write(
                    .error, "host call failed", fields: ["function": "\(function)", "error": "\(error)"])
            })
    }

    private func limits(_ manifest: PluginManifest) -> LuaLimits {
        LuaLimits(
            memoryBytesMax: Int(manifest.limits.memoryBytesMax ?? ceilings.memoryBytesMax),
            handlerCPU: manifest.limits.handlerCPUMilliseconds.map(Duration.milliseconds)
                ?? ceilings.handlerCPU,
            loadCPU: ceilings.loadCPU, valueBytesMax: EventPayload.bytesMax,
            argumentBytesMax: 512 << 10)
    }

    private static func reason(_ error: LuaError, main: String) -> String {
        switch error {
        case .timeout, .outOfMemory, .killed: "\(main): \(error) while its main chunk ran"
        default: "\(error)"
        }
    }
}
