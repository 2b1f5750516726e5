import CLuaHost
import Glibc

/// What one thread of a pool does.
final class LuaThread: Sendable {
    private static let stackBytes = 2 << 20
    private let name: String
    private let watchdog: Watchdog?
    private let body: @Sendable () -> Void

    init(name: String, watchdog: Watchdog?, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.watchdog = watchdog
        self.body = body
    }

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
        let isWatched = watchdog.map { clh_thread_enter($0.pointer) == 0 } ?? false
        body()
        if isWatched { clh_thread_leave() }
    }
}
