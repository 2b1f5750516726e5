import CLuaHost

/// The body of a fast host function, in a form that C can point to.
///
/// Kept alive by the bridge, which outlives the C state; so a call takes no reference of its own.
final class LuaFastFunction {
    private let body: LuaHostFunction.Fast

    init(_ body: @escaping LuaHostFunction.Fast) {
        self.body = body
    }

    /// What C is given; valid as long as this object.
    var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    /// Called by C with what `pointer` gave.
    @inline(__always)
    static func answer(_ pointer: UnsafeMutableRawPointer?, _ record: UnsafeMutablePointer<clh_fast_call>?) {
        guard let pointer, let record else { return }
        Unmanaged<LuaFastFunction>.fromOpaque(pointer)._withUnsafeGuaranteedRef { function in
            var call = LuaFastCall(record)
            function.body(&call)
        }
    }
}
