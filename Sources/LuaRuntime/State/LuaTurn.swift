import CLuaHost
import Portable

/// How a turn of a run ended.
enum LuaTurn {
    /// A host function is to be called, and the run resumed with its answer.
    struct HostCall: Sendable {
        enum Phase: Sendable {
            case call
            case page(cursor: PortableValue?)
            case enter
            case leave(token: Int64, succeeded: Bool)
        }

        let op: Int
        let phase: Phase
        let arguments: LuaArguments
        /// Why the arguments could not be read; the function is not called then.
        let problem: String?
        /// Of the arguments, encoded.
        let bytes: Int
        let position: String?
    }

    case done([PortableValue])
    case call(HostCall)
    case slice
    /// The run has ended; `kill` is the reason when it was ended by force.
    case failed(LuaError, kill: String?)

    init(_ result: clh_result, crossing: LuaCrossing, limit: Duration) {
        switch result.outcome {
        case CLH_DONE: self = Self.done(result, crossing)
        case CLH_CALL: self = Self.call(result, crossing)
        case CLH_SLICE: self = .slice
        case CLH_ERROR: self = .failed(Self.error(result), kill: nil)
        case CLH_KILLED where result.kill == CLH_KILL_MEMORY:
            self = .failed(.outOfMemory(limit: result.memory_limit), kill: "memory")
        case CLH_KILLED: self = .failed(.timeout(limit: limit), kill: "timeout")
        default: self = .failed(.closed, kill: nil)
        }
    }

    private static func done(_ result: clh_result, _ crossing: LuaCrossing) -> LuaTurn {
        do {
            return .done(
                try crossing.results(UnsafeRawBufferPointer(start: result.bytes, count: result.length)))
        } catch {
            return .failed(.invalidResult(message: "\(error)"), kill: nil)
        }
    }

    private static func call(_ result: clh_result, _ crossing: LuaCrossing) -> LuaTurn {
        do {
            let phase: HostCall.Phase
            switch result.phase {
            case CLH_PHASE_PAGE:
                let cursor = UnsafeRawBufferPointer(start: result.extra, count: result.extra_length)
                phase = .page(
                    cursor: cursor.isEmpty ? nil : try MessagePack.decode(cursor, limits: crossing.limits))
            case CLH_PHASE_ENTER: phase = .enter
            case CLH_PHASE_LEAVE: phase = .leave(token: result.token, succeeded: result.succeeded != 0)
            default: phase = .call
            }
            let bytes = UnsafeRawBufferPointer(start: result.bytes, count: result.length)
            var arguments = LuaArguments(values: [])
            var problem: String?
            do {
                if !bytes.isEmpty { arguments = try crossing.arguments(bytes) }
            } catch {
                // What a bracket does when it is left cannot be refused.
                if case .leave = phase { throw error }
                problem = "\(error)"
            }
            arguments.receiver = result.`self`
            if case .enter = phase { arguments.hasFunction = result.succeeded != 0 }
            let position = result.position.map(String.init(cString:)) ?? ""
            return .call(
                HostCall(
                    op: Int(result.op), phase: phase,
                    arguments: arguments, problem: problem, bytes: result.length,
                    position: position.isEmpty ? nil : position))
        } catch {
            return .failed(.hostFailure(message: "\(error)"), kill: nil)
        }
    }

    private static func error(_ result: clh_result) -> LuaError {
        let message = text(result.message, result.message_length)
        switch result.error {
        case CLH_ERROR_SYNTAX: return .syntax(message: message)
        case CLH_ERROR_MEMORY: return .outOfMemory(limit: result.memory_limit)
        case CLH_ERROR_RESULT: return .invalidResult(message: message)
        case CLH_ERROR_HOST: return .hostFailure(message: message)
        default:
            return .runtime(message: message, traceback: text(result.traceback, result.traceback_length))
        }
    }

    private static func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }
}
