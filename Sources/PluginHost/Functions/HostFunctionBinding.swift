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
            let methods = module.classes.flatMap { kind in
                kind.methods.map { binding.bound($0, path: "\(kind.fullName):\($0.name)") }
            }
            return module.functions.map { binding.bound($0, path: "perigee.\(module.name).\($0.name)") }
                + methods + binding.boundIndex()
        }
    }

    /// The classes of the modules' objects.
    static func classes(_ modules: [HostModule]) -> [LuaClass] {
        modules.flatMap(\.classes).map { LuaClass(name: $0.fullName, hasFields: !$0.fields.isEmpty) }
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

    private func bound(_ function: HostFunction, path: String) -> LuaHostFunction {
        LuaHostFunction(
            path: path, parameterNames: function.parameters.map(\.name),
            acceptsFunctions: function.parameters.contains { Self.takesFunction($0) },
            wantsPosition: mayBeDenied(function), kind: kind(function, path: path))
    }

    private static func takesFunction(_ parameter: HostParameter) -> Bool {
        switch parameter.type {
        case .function: true
        case .options(_, let fields): fields.contains(where: takesFunction)
        default: false
        }
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

    private func kind(_ function: HostFunction, path: String) -> LuaHostFunction.Kind {
        let watch = watch(path)
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
        case .quick(let body, let isIdle): return quick(function, watch, call, body, isIdle)
        case .glance(_, let body), .json(_, let body), .immediate(let body):
            let whole: LuaHostFunction.Immediate = { arguments, lua in
                try watch.run(lua) { try body(call(arguments, lua)) }
            }
            return mayBeDenied(function)
                ? .immediate(whole) : quickest(function.body, watch.tally, otherwise: whole)
        case .waiting(let body):
            return .waiting { arguments, lua in
                try await watch.run(waiting: lua) { try await body(call(arguments, lua)) }
            }
        case .making(let body):
            return .making { arguments, lua in
                try watch.run(lua) { try body(call(arguments, lua)) }.object
            }
        case .obtaining(let body):
            return .obtaining { arguments, lua in
                try await watch.run(waiting: lua) { try await body(call(arguments, lua)) }.object
            }
        case .loading(let loading): return .loading(self.loading(loading, watch, call))
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
                    return OpenedBracket.lua(bracket)
                },
                leave: { [handles = context.handles] state, succeeded, lua in
                    let opened = OpenedBracket(state)
                    defer { opened.end(handles) }
                    try await watch.run(waiting: lua) { try await leave(opened.state, succeeded) }
                })
        }
    }

    /// The quickest way of a body that answers at once; what it cannot answer goes the other way.
    private func quickest(
        _ body: HostBody, _ tally: HostCallTally, otherwise whole: @escaping LuaHostFunction.Immediate
    ) -> LuaHostFunction.Kind {
        switch body {
        case .glance(let glance, _):
            let handles = context.handles
            return .attempt(
                { call in
                    if Self.glance(&call, handles, glance) { tally.succeed() } else { call.pass() }
                }, otherwise: whole)
        case .json(let way, _):
            return .json(
                way == .write ? .write : .read, answered: { tally.succeed() }, otherwise: whole)
        default: return .immediate(whole)
        }
    }

    /// The way for arguments that are as declared; all else is judged, and refused, by the other one.
    private func quick(
        _ function: HostFunction, _ watch: HostCallWatch,
        _ call: @escaping @Sendable (LuaArguments, LuaCallContext) throws -> HostCall,
        _ body: @escaping HostBody.Quick, _ isIdle: HostBody.Idle?
    ) -> LuaHostFunction.Kind {
        let whole: LuaHostFunction.Immediate = { arguments, lua in
            try watch.run(lua) {
                let call = try call(arguments, lua)
                if let isIdle, isIdle(call.plugin) { return [] }
                return try HostQuickCall.results(call, body)
            }
        }
        if mayBeDenied(function) { return .immediate(whole) }
        let (context, tally) = (context, watch.tally)
        let parameters = function.parameters.map(LuaPlainParameter.init)
        guard let isIdle else {
            return .attempt(
                { call in
                    let isAnswered = HostQuickCall.answers(call, parameters, context, body)
                    if isAnswered { tally.succeed() } else { call.pass() }
                }, otherwise: whole)
        }
        return .attempt(
            { call in
                let isDone =
                    isIdle(context)
                    ? call.arePlain(parameters)
                    : HostQuickCall.answers(call, parameters, context, body)
                if isDone { tally.succeed() } else { call.pass() }
            }, otherwise: whole)
    }

    private func loading(
        _ loading: HostLoading, _ watch: HostCallWatch,
        _ call: @escaping @Sendable (LuaArguments, LuaCallContext) throws -> HostCall
    ) -> LuaLoading {
        let (handles, glance, enter, leave) = (context.handles, loading.glance, loading.enter, loading.leave)
        let tally = watch.tally
        return LuaLoading(
            attempt: { call in
                if HostFunctionBinding.glance(&call, handles, glance) { tally.succeed() } else { call.pass() }
            },
            enter: { arguments, lua in
                let decision = try await watch.run(waiting: lua) { try await enter(call(arguments, lua)) }
                switch decision {
                case .answered(let results): return .answered(results)
                case .run(let bracket, let callback):
                    return .run(OpenedBracket.lua(bracket), function: callback?.reference)
                }
            },
            leave: { state, results, lua in
                let opened = OpenedBracket(state)
                defer { opened.end(handles) }
                return try await watch.run(waiting: lua, isWhole: false) {
                    try await leave(opened.state, results)
                }
            })
    }

    /// Whether the call was answered at once.
    private static func glance(
        _ call: inout LuaFastCall, _ handles: PluginHandles, _ glance: HostLoading.Glance
    ) -> Bool {
        guard let object = handles.object(call.receiver) else { return false }
        if let number = call.integer(0) {
            return glance(object, .integer(number)) { call.writeEncoded($0) }
        }
        guard let text = call.lentText(0) else { return false }
        return glance(object, .text(text)) { call.writeEncoded($0) }
    }

    /// The parameters whose arguments reach Swift: the function that a bracket runs, its last one, stays in
    /// Lua.
    private func crossing(_ function: HostFunction) -> [HostParameter] {
        switch function.body {
        case .bracket, .loading:
            if case .function? = function.parameters.last?.type { return function.parameters.dropLast() }
            return function.parameters
        default: return function.parameters
        }
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
        let checked = try check.checked(arguments)
        return HostCall(
            plugin: context, function: check.path, arguments: checked.values, callbacks: checked.callbacks,
            optionCallbacks: checked.optionCallbacks, receiver: arguments.receiver,
            hasFunction: arguments.hasFunction, run: lua.run,
            callerContext: lua.callerContext, brackets: lua.brackets.map { OpenedBracket($0).state })
    }
}
