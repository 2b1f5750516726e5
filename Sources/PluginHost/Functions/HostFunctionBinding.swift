import LuaRuntime
import Portable

/// Turns the declared API into what a plugin's Lua state calls: checks first, then the body.
struct HostFunctionBinding: Sendable {
    let module: HostModule
    let context: PluginContext
    /// Told of each refused permission and of each failure on the host's side.
    let report: HostCallReport

    /// Every function of the modules, bound to one plugin.
    static func functions(
        _ modules: [HostModule], context: PluginContext,
        report: HostCallReport
    ) -> [LuaHostFunction] {
        modules.flatMap { module in
            let binding = HostFunctionBinding(module: module, context: context, report: report)
            return module.functions.map(binding.bound) + binding.boundIndex()
        }
    }

    /// The values of constant fields by path, such as `perigee.plugin.id`.
    static func constants(_ modules: [HostModule], context: PluginContext) -> [String: PortableValue] {
        var values: [String: PortableValue] = [:]
        for module in modules {
            for constant in module.constants {
                values["perigee.\(module.name).\(constant.name)"] = constant.value(context)
            }
        }
        return values
    }

    private func boundIndex() -> [LuaHostFunction] {
        guard let index = module.index else { return [] }
        let context = context
        return [
            LuaHostFunction(
                path: "perigee.\(module.name)",
                kind: .index { key in try Self.translating { try index.value(context, key) } })
        ]
    }

    private func bound(_ function: HostFunction) -> LuaHostFunction {
        LuaHostFunction(
            path: "perigee.\(module.name).\(function.name)", parameterNames: function.parameters.map(\.name),
            acceptsFunctions: function.parameters.contains {
                if case .function = $0.type { true } else { false }
            },
            kind: kind(function))
    }

    private func kind(_ function: HostFunction) -> LuaHostFunction.Kind {
        let path = "perigee.\(module.name).\(function.name)"
        let check = ArgumentCheck(path: path, parameters: crossing(function))
        let call: @Sendable (LuaArguments, LuaCallContext) throws -> HostCall = { [self] arguments, lua in
            try hostCall(function, check, arguments, lua)
        }
        let report = report
        switch function.body {
        case .reading(let read):
            return .fast { call in call.write(read()) }
        case .immediate(let body):
            return .immediate { arguments, lua in try Self.translating { try body(call(arguments, lua)) } }
        case .waiting(let body):
            return .waiting { arguments, lua in
                try await Self.translating(path, report) { try await body(call(arguments, lua)) }
            }
        case .pages(let body):
            return .pages { arguments, cursor, lua in
                let page = try await Self.translating(path, report) {
                    try await body(call(arguments, lua), cursor)
                }
                return LuaPage(items: page.items, next: page.next, itemsAreTuples: page.itemsAreTuples)
            }
        case .bracket(let enter, let leave):
            return .bracket(
                enter: { arguments, lua in
                    let bracket = try await Self.translating(path, report) {
                        try await enter(call(arguments, lua))
                    }
                    return LuaBracket(state: bracket.state, arguments: bracket.arguments)
                },
                leave: { state, succeeded, _ in
                    try await Self.translating(path, report) { try await leave(state, succeeded) }
                })
        }
    }

    /// The parameters whose arguments reach Swift: the function that a bracket runs, its last one, stays in
    /// Lua.
    private func crossing(_ function: HostFunction) -> [HostParameter] {
        guard case .bracket = function.body else { return function.parameters }
        return Array(function.parameters.dropLast())
    }

    private func hostCall(
        _ function: HostFunction, _ check: ArgumentCheck, _ arguments: LuaArguments, _ lua: LuaCallContext
    ) throws -> HostCall {
        if let permission = function.permission, !context.manifest.permissions.grants(permission) {
            report.permissionDenied(check.path, permission)
            throw HostFailure.misuse(HostCall.refusal(function: check.path, permission: permission))
        }
        if function.phase == .registration, !context.isRegistering {
            throw HostFailure.misuse(
                "\(check.path) can only be called while the main chunk runs; call it at the top level of "
                    + context.manifest.main)
        }
        let (values, callbacks) = try check.checked(arguments)
        return HostCall(
            plugin: context, function: check.path, arguments: values, callbacks: callbacks, run: lua.run,
            callerContext: lua.callerContext, brackets: lua.brackets)
    }

    private static func translating<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let failure as HostFailure {
            throw luaError(failure)
        }
    }

    /// What a body throws beside ``HostFailure`` is the host's own trouble: the plugin is told that it could
    /// not be done now, and the reason, which may name paths, goes to the log only.
    private static func translating<Value: Sendable>(
        _ path: String, _ report: HostCallReport,
        _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let failure as HostFailure {
            throw luaError(failure)
        } catch let error as CancellationError {
            throw error
        } catch {
            report.failed(path, error)
            throw LuaHostError.outcome("unavailable", "\(path) could not be done now; see the server's log")
        }
    }

    private static func luaError(_ failure: HostFailure) -> LuaHostError {
        switch failure {
        case .misuse(let message): .misuse(message)
        case .outcome(let code, let message): .outcome(code.rawValue, message)
        }
    }
}
