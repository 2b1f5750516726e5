import CLuaHost
import Glibc

/// What one thread of a pool does.
final class LuaThread: Sendable {
    private static let stackBytes = 2 << 20
    private let name: String
    private let watchdog: Watchdog?
    private let isBackground: Bool
    private let body: @Sendable () -> Void
    private let ended: @Sendable () -> Void

    /// - Parameter ended: Called last, when the watchdog knows the thread no more.
    init(
        name: String, watchdog: Watchdog?, isBackground: Bool = false, body: @escaping @Sendable () -> Void,
        ended: @escaping @Sendable () -> Void = {}
    ) {
        self.name = name
        self.watchdog = watchdog
        self.isBackground = isBackground
        self.body = body
        self.ended = ended
    }

    /// Leaves the calling thread what others do not want; it cannot go back.
    static func stepBack() {
        // Who 0 is this thread alone: "setpriority(2)", section "C library/kernel differences".
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, backgroundNice)
    }

    /// Competing with one ordinary thread, about a thirtieth of a processor; without competition all of it.
    private static let backgroundNice: Int32 = 15

    /// Starts it; nil when the system gives no thread.
    static func start(_ thread: LuaThread) -> pthread_t? {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        var handle = pthread_t()
        let argument = Unmanaged.passRetained(thread)
        let status = pthread_create(
            &handle, &attributes,
            { argument in
                if let argument { Unmanaged<LuaThread>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, argument.toOpaque())
        guard status == 0 else {
            argument.release()
            return nil
        }
        return handle
    }

    private func run() {
        clh_thread_name(name)
        if isBackground { Self.stepBack() }
        let isWatched = watchdog.map { clh_thread_enter($0.pointer) == 0 } ?? false
        body()
        if isWatched { clh_thread_leave() }
        ended()
    }
}
