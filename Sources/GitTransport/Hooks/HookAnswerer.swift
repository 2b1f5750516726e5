import Hosting
import Logging
import NIOCore

/// Decides what a hook is told.
struct HookAnswerer: Sendable {
    let pushes: Pushes
    let logger: Logger

    func reply(to request: HookRequest) async -> HookReply {
        guard let session = pushes.session(secret: request.secret) else {
            logger.warning("hook with an unknown secret", metadata: ["hook": "\(request.hook.prefix(40))"])
            return .refuse("The server does not know this push. Push again through its HTTP address.")
        }
        // Only pre-receive can refuse; what happens after it follows from the report.
        guard request.hook == "pre-receive" else { return .accept }
        let changes: [RefChange]
        do {
            changes = try RefChange.parse(hookInput: request.input.readableBytesView)
        } catch {
            return .refuse(error.message)
        }
        let quarantine = request.quarantine.isEmpty ? nil : request.quarantine
        switch await session.preReceive(changes: changes, quarantine: quarantine, options: request.options) {
        case .accept: return .accept
        case .refuse(let text): return .refuse(text)
        }
    }
}
