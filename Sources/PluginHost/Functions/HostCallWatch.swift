import LuaRuntime

/// Runs the bodies of one host function for one plugin: counts them by outcome, and turns what they throw
/// into what Lua is told.
struct HostCallWatch: Sendable {
    /// The full name, such as `perigee.kv.get`.
    let path: String
    let tally: HostCallTally
    let report: HostCallReport

    /// A body that answers at once.
    func run<Value>(_ lua: LuaCallContext?, _ body: () throws -> Value) throws -> Value {
        do {
            let value = try body()
            tally.succeed()
            return value
        } catch let failure as HostFailure {
            throw told(failure, lua)
        } catch {
            tally.count(HostCallTally.Outcome.misuse)
            throw error
        }
    }

    /// A body that may wait. What it throws beside ``HostFailure`` is the host's own trouble: the plugin is
    /// told that it could not be done now, and the reason, which may name paths, goes to the log only.
    /// - Parameter isWhole: False for the first part of a call whose end is counted.
    func run<Value: Sendable>(
        waiting lua: LuaCallContext?, isWhole: Bool = true, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        let start = ContinuousClock.now
        defer { tally.wait(start.duration(to: .now)) }
        do {
            let value = try await body()
            if isWhole { tally.succeed() }
            return value
        } catch let failure as HostFailure {
            throw told(failure, lua)
        } catch let error as CancellationError {
            tally.count(HostCallTally.Outcome.cancelled)
            throw error
        } catch {
            tally.count(HostFailure.Code.unavailable.rawValue)
            report.failed(path, error)
            throw LuaHostError.outcome("unavailable", "\(path) could not be done now; see the server's log")
        }
    }

    private func told(_ failure: HostFailure, _ lua: LuaCallContext?) -> LuaHostError {
        switch failure {
        case .misuse(let message):
            tally.count(HostCallTally.Outcome.misuse)
            return .misuse(message)
        case .outcome(let code, let message):
            tally.count(code.rawValue)
            return .outcome(code.rawValue, message)
        case .denied(_, let permission):
            tally.count(HostCallTally.Outcome.denied)
            report.permissionDenied(path, permission, lua?.position)
            return .misuse("\(failure)")
        }
    }
}
