import Portable
import Synchronization

extension LuaState {
    /// Takes a prepared run through its turns to its end; every bracket that it leaves open is left for it.
    func drive(_ number: UInt64, _ run: LuaRun) async throws(LuaError) -> [PortableValue] {
        runs[number] = run
        counters.withLock { $0.runs += 1 }
        let outcome = await withTaskCancellationHandler {
            await turns(number, run)
        } onCancel: {
            run.interrupt()
        }
        runs[number] = nil
        await leaveBrackets(of: number, run)
        runEnded(number)
        return try outcome.get()
    }

    private func turns(_ number: UInt64, _ run: LuaRun) async -> Result<[PortableValue], LuaError> {
        var answer: LuaReply?
        while true {
            switch turn(number, run, answer) {
            case .done(let results):
                return .success(results)
            case .failed(let error, _):
                return .failure(error)
            case .slice:
                answer = nil
                await withUnsafeContinuation { executor.goOn($0) }
            case .call(let call):
                answer = await perform(call, number, run)
            }
        }
    }

    /// One turn of a run, if it may go on. The handle is not held any longer than this, so that closing
    /// frees it.
    private func turn(_ number: UInt64, _ run: LuaRun, _ answer: LuaReply?) -> LuaTurn {
        guard let handle else { return .failed(.closed, kill: nil) }
        if run.isInterrupted {
            handle.drop(number)
            count(handle, kill: "cancelled")
            return .failed(.killed(reason: "cancelled"), kill: "cancelled")
        }
        handle.bridge.caller = LuaBridge.Caller(
            run: number, context: run.context, brackets: openStates(number))
        let turn = handle.resume(number, limit: run.limit, answer: answer)
        if case .failed(_, let kill) = turn {
            handle.drop(number)
            count(handle, kill: kill)
        } else {
            count(handle)
        }
        if handle.isAbandoned {
            counters.withLock { $0.isAbandoned = true }
            end()
        }
        return turn
    }

    /// Has a host function called and gives its answer; nil when the run is to end.
    private func perform(_ call: LuaTurn.HostCall, _ number: UInt64, _ run: LuaRun) async -> LuaReply? {
        let function = functions[call.op]
        guard let share = waitingBytes.share(call.bytes) else {
            // A bracket that is not left now is left at the end of the run.
            let reply = crossing.failure(waitingBytes.refusal(of: function.path), of: function.path)
            releaseRefused(call, reply)
            return reply
        }
        let context = LuaCallContext(
            run: number, callerContext: run.context, position: call.position, brackets: openStates(number))
        var leaving: OpenBracket?
        if case .leave(let token, _) = call.phase {
            leaving = brackets[number]?.last { $0.token == token }
            brackets[number]?.removeAll { $0.token == token }
        }
        let body = HostCallBody(
            function: function, call: call, context: context, crossing: crossing, leaving: leaving,
            share: share)
        switch await run.answer({ await body.run() }, dropped: { await body.undo($0) }) {
        case .interrupted: return nil
        case .reply(let reply):
            releaseRefused(call, reply)
            return reply
        case .entered(let bracket, let lua):
            return enter(bracket, function, lua, number)
        }
    }

    private func enter(
        _ bracket: LuaBracket, _ function: LuaHostFunction, _ lua: LuaFunctionReference?, _ number: UInt64
    ) -> LuaReply {
        lastToken += 1
        // Also when the answer cannot be made: then the end of the run leaves it.
        brackets[number, default: []].append(
            OpenBracket(token: lastToken, state: bracket.state, function: function))
        do {
            return try crossing.entering(bracket, token: lastToken, function: lua)
        } catch {
            return crossing.failure(error, of: function.path)
        }
    }

    /// A refused call keeps nothing: the functions that were handed over with it are forgotten.
    private func releaseRefused(_ call: LuaTurn.HostCall, _ reply: LuaReply) {
        guard reply.isMisuse else { return }
        for function in call.arguments.functions.values { release(function) }
    }

    private func leaveBrackets(of number: UInt64, _ run: LuaRun) async {
        while let bracket = brackets[number]?.popLast() {
            let context = LuaCallContext(
                run: number, callerContext: run.context, brackets: openStates(number))
            // The run has failed already; what leaving throws can replace nothing.
            _ = try? await bracket.leave(nil, context)
        }
        brackets[number] = nil
    }

    private func openStates(_ number: UInt64) -> [any Sendable] {
        brackets[number]?.map(\.state) ?? []
    }

    private func count(_ handle: LuaHandle, kill: String? = nil) {
        counters.withLock { counters in
            handle.read(into: &counters)
            if let kill { counters.kills[kill, default: 0] += 1 }
        }
    }
}
