import CLuaHost

/// A host call's answer, encoded.
struct LuaReply: Sendable {
    let status: clh_status
    let bytes: [UInt8]

    /// Whether the caller is told of a mistake.
    var isMisuse: Bool { status == CLH_MISUSE }
}
