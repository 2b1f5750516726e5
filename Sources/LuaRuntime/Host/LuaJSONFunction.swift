import CLuaHost

/// What C is told of a JSON function that it answers itself.
///
/// Kept alive by the bridge, which outlives the C state.
final class LuaJSONFunction {
    let work: clh_json_work
    private let answered: @Sendable () -> Void

    init(_ work: LuaHostFunction.JSONWork, answered: @escaping @Sendable () -> Void) {
        self.work = work == .write ? CLH_JSON_WRITE : CLH_JSON_READ
        self.answered = answered
    }

    /// What C is given; valid as long as this object.
    var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    /// Called by C with what `pointer` gave.
    static func answered(_ pointer: UnsafeMutableRawPointer?) {
        guard let pointer else { return }
        Unmanaged<LuaJSONFunction>.fromOpaque(pointer)._withUnsafeGuaranteedRef { $0.answered() }
    }

    /// Writes a number as JSON does; gives how many bytes, or 0 when they are more than 32.
    static func write(_ number: Double, to bytes: UnsafeMutablePointer<UInt8>?) -> Int {
        guard let bytes else { return 0 }
        let text = number.description
        return text.utf8.withContiguousStorageIfAvailable { digits in
            guard digits.count <= 32, let from = digits.baseAddress else { return 0 }
            bytes.update(from: from, count: digits.count)
            return digits.count
        } ?? 0
    }
}
