import Glibc
import PluginHost
import Portable
import Synchronization

/// A small Lua API of the tests' own, and what plugins said through it.
final class TestModules: Sendable {
    private struct State {
        var said: [PortableValue] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var gates: [String: CheckedContinuation<Void, Never>] = [:]
        var opened: Set<String> = []
    }
    private let state = Mutex(State())

    /// What plugins passed to `perigee.test.say`, in order.
    var said: [PortableValue] { state.withLock { $0.said } }

    /// Returns when plugins have said at least so much.
    func waitUntilSaid(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard state.said.count < count else { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Lets a plugin that waits in `perigee.test.wait(name)`, or will, go on.
    func open(_ gate: String) {
        let continuation = state.withLock { state in
            state.opened.insert(gate)
            return state.gates.removeValue(forKey: gate)
        }
        continuation?.resume()
    }

    private func say(_ value: PortableValue) {
        let ready = state.withLock { state in
            state.said.append(value)
            let count = state.said.count
            defer { state.waiters.removeAll { $0.count <= count } }
            return state.waiters.filter { $0.count <= count }
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    private func wait(_ gate: String) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if state.opened.contains(gate) || Task.isCancelled { return true }
                    state.gates[gate] = continuation
                    return false
                }
                if isOpen { continuation.resume() }
            }
        } onCancel: {
            open(gate)
        }
    }

    var modules: [HostModule] {
        [
            HostModule(
                "test", summary: "What tests need.",
                constants: [HostConstant("id", .string, "The plugin's id.") { .string($0.id) }],
                index: HostIndex("Settings.") { plugin, key in plugin.settings[key] ?? .null },
                functions: functions)
        ]
    }

    private var functions: [HostFunction] {
        [
            function("say", [HostParameter("value", .value, "Anything.")]) { [self] call in
                say(call.value(0))
                return []
            },
            HostFunction(
                "wait", summary: "Waits.", parameters: [HostParameter("gate", .string, "Which.")],
                example: "",
                body: .waiting { [self] call in
                    await wait(call.string(0))
                    return []
                }),
            HostFunction(
                "settings", summary: "Settings of a repository.",
                parameters: [HostParameter("repository", .repository, "Which.")], example: "",
                body: .waiting { call in
                    [
                        try await call.plugin.repositorySettings(call.repository(0)).map(PortableValue.map)
                            ?? .null
                    ]
                }),
            function("nice", []) { _ in
                [.integer(Int64(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)))]
            },
            function("on", [HostParameter("key", .string, ""), Self.handler], phase: .registration) { call in
                try call.plugin.onEvent(call.string(0), call.callback(1))
                return []
            },
            function("before_push", [Self.handler], phase: .registration) { call in
                try call.plugin.onPush(call.callback(0))
                return []
            },
            function("on_start", [Self.handler], phase: .registration) { call in
                try call.plugin.onStart(call.callback(0))
                return []
            },
            function("on_stop", [Self.handler], phase: .registration) { call in
                try call.plugin.onStop(call.callback(0))
                return []
            },
            function("on_change", [Self.handler], phase: .registration) { call in
                try call.plugin.onSettingChange(call.callback(0))
                return []
            },
            function("publish", [HostParameter("key", .string, ""), HostParameter("value", .table, "")]) {
                call in
                [.bool(call.plugin.publish(key: call.string(0), payload: call.value(1)))]
            },
            function("store", [HostParameter("key", .string, "")], permission: .kv) { _ in ["stored"] },
            function(
                "typed",
                [
                    HostParameter("count", .integer, ""),
                    HostParameter(
                        "options",
                        .options("TypedOptions", [HostField("prefix", .string, "", isOptional: true)]), "",
                        isOptional: true),
                ]
            ) { call in [.integer(call.integer(0))] },
        ]
    }

    private static let handler = HostParameter("handler", .function("fun()"), "")

    private func function(
        _ name: String, _ parameters: [HostParameter], permission: HostPermission? = nil,
        phase: HostFunction.Phase = .any, _ body: @escaping @Sendable (HostCall) throws -> [PortableValue]
    ) -> HostFunction {
        HostFunction(
            name, summary: "Test.", parameters: parameters, permission: permission, phase: phase, example: "",
            body: .immediate(body))
    }
}
