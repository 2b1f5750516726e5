/// How a host function tells Lua code that it gave no result.
package struct LuaHostError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Who has to act.
    package enum Kind: Sendable, Hashable {
        /// The caller's mistake: raised at the caller's line.
        case misuse
        /// An expected failure: returned as `nil, {code=, message=}`; an iterator raises it.
        case outcome(code: String)
    }

    /// Misuse or outcome.
    package let kind: Kind
    /// One sentence; for misuse without the position, which is put before it.
    package let message: String

    /// - Parameter message: One sentence.
    package init(kind: Kind, message: String) {
        self.kind = kind
        self.message = message
    }

    /// A caller's mistake.
    package static func misuse(_ message: String) -> LuaHostError {
        LuaHostError(kind: .misuse, message: message)
    }

    /// An expected failure.
    package static func outcome(_ code: String, _ message: String) -> LuaHostError {
        LuaHostError(kind: .outcome(code: code), message: message)
    }

    package var description: String { message }
}
