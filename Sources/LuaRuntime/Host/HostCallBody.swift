import CLuaHost
import Portable

/// One call of a waiting host function, with all that it needs away from the Lua thread.
struct HostCallBody: Sendable {
    let function: LuaHostFunction
    let call: LuaTurn.HostCall
    let context: LuaCallContext
    let crossing: LuaCrossing
    /// The bracket to be left.
    let leaving: OpenBracket?
    /// What the arguments count for, as long as they are here.
    let share: WaitingBytes.Share

    /// Calls the function and encodes what it gives or throws.
    func run() async -> LuaRun.Answer {
        do {
            if let problem = call.problem { throw LuaHostError.misuse("\(function.path): \(problem)") }
            switch (function.kind, call.phase) {
            case (.waiting(let body), .call):
                return values(try crossing.list(try await body(call.arguments, context)))
            case (.pages(let body), .page(let cursor)):
                return values(try crossing.page(try await body(call.arguments, cursor, context)))
            case (.bracket(let enter, _), .enter):
                return .entered(try await enter(call.arguments, context), function: nil)
            case (.loading(let loading), .enter):
                switch try await loading.enter(call.arguments, context) {
                case .answered(let results): return values(try crossing.list([false] + results))
                case .run(let bracket, let function): return .entered(bracket, function: function)
                }
            case (.obtaining(let body), .call):
                return .reply(try crossing.object(try await body(call.arguments, context)))
            case (.bracket, .leave(_, let succeeded)), (.loading, .leave(_, let succeeded)):
                guard let leaving else { throw LuaHostError.misuse("\(function.path) is not open") }
                let results = try await leaving.leave(succeeded ? call.arguments.values : nil, context)
                return values(try crossing.list(results))
            default:
                throw LuaHostError.misuse("\(function.path) cannot be called this way")
            }
        } catch {
            return .reply(crossing.failure(error, of: function.path))
        }
    }

    /// Undoes what an answer that nobody waits for has done: leaves a bracket that was just entered.
    func undo(_ answer: LuaRun.Answer) async {
        guard case .entered(let bracket, _) = answer else { return }
        _ = try? await OpenBracket(token: 0, state: bracket.state, function: function).leave(nil, context)
    }

    private func values(_ bytes: [UInt8]) -> LuaRun.Answer {
        .reply(LuaReply(status: CLH_VALUES, bytes: bytes))
    }
}
