import LuaRuntime
import Portable

/// Turns the declared API into what a plugin's Lua state calls: checks first, then the body.
struct HostFunctionBinding: Sendable {
    let module: HostModule
    let context: PluginContext
    let meter: PluginMeter
    /// Told of each refused permission and of each failure on the host's side.
    let report: HostCallReport

    /// Every function of the modules, bound to one plugin.
    static func functions(
        _ modules: [HostModule], context: PluginContext, meter: PluginMeter, report: HostCallReport
    ) -> [LuaHostFunction] {
        modules.flatMap { module in
            let binding = HostFunctionBinding(
                module: module, context: context, meter: meter, report: report)
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
        let watch = watch("perigee.\(module.name)")
        return [
            LuaHostFunction(
                path: watch.path,
                kind: .index { key in try watch.run(nil) { try index.value(context, key) } })
        ]
    }

    private func bound(_ function: HostFunction) -> LuaHostFunction {
        LuaHostFunction(
            path: "perigee.\(module.name).\(function.name)", parameterNames: function.parameters.map(\.name),
            acceptsFunctions: function.parameters.contains {
                if case .function = $0.type { true } else { false }
            },
            wantsPosition: mayBeDenied(function), kind: kind(function))
    }

    /// Whether a call may be refused for want of a permission; the place of such a call is audited.
    private func mayBeDenied(_ function: HostFunction) -> Bool {
        if let permission = function.permission { return !context.manifest.permissions.grants(permission) }
        // What some registrations need depends on their arguments.
        return function.phase == .registration
    }

    private func watch(_ path: String) -> HostCallWatch {
        HostCallWatch(path: path, tally: meter.tally(of: path), report: report)
    }

    private func kind(_ function: HostFunction) -> LuaHostFunction.Kind {
        let watch = watch("perigee.\(module.name).\(function.name)")
        let check = ArgumentCheck(path: watch.path, parameters: crossing(function))
        let call: @Sendable (LuaArguments, LuaCallContext) throws -> HostCall = { [self] arguments, lua in
            try hostCall(function, check, arguments, lua)
        }
        switch function.body {
        case .reading(let read):
            let tally = watch.tally
            return .fast { call in
                tally.succeed()
                call.write(read())
            }
        case .immediate(let body):
            return .immediate { arguments, lua in try watch.run(lua) { try body(call(arguments, lua)) } }
        case .waiting(let body):
            return .waiting { arguments, lua in
                try await watch.run(waiting: lua) { try await body(call(arguments, lua)) }
            }
        case .pages(let body):
            return .pages { arguments, cursor, lua in
                let page = try await watch.run(waiting: lua) { try await body(call(arguments, lua), cursor) }
                return LuaPage(items: page.items, next: page.next, itemsAreTuples: page.itemsAreTuples)
            }
        case .bracket(let enter, let leave):
            return .bracket(
                enter: { arguments, lua in
                    let bracket = try await watch.run(waiting: lua, isWhole: false) {
                        try await enter(call(arguments, lua))
                    }
                    return LuaBracket(state: bracket.state, arguments: bracket.arguments)
                },
                leave: { state, succeeded, lua in
                    try await watch.run(waiting: lua) { try await leave(state, succeeded) }
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
            throw HostFailure.denied(function: check.path, permission)
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
}
