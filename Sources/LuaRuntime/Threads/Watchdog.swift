import CLuaHost

/// Owns the C watchdog of a pool.
// @unchecked Sendable because the pointer never changes, and the functions that take it lock for themselves;
// `stop` is called once, after every thread that uses it was joined.
final class Watchdog: @unchecked Sendable {
    let pointer: OpaquePointer?

    init() {
        pointer = clh_watchdog_start()
        precondition(pointer != nil, "the system gives no thread for the watchdog of Lua")
    }

    func stop() {
        clh_watchdog_stop(pointer)
    }
}
