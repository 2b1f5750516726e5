/// One line that Lua code printed.
package struct LuaLogLine: Sendable, Hashable {
    /// Which function wrote it.
    package enum Source: Sendable, Hashable {
        case print
        case warn
    }

    /// `print` or `warn`.
    package let source: Source
    /// The text, at most 8 KiB; what was not UTF-8 is replaced.
    package let message: String
    /// The caller's place, `main.lua:12`, when known.
    package let position: String?
}
