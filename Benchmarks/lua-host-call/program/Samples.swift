import Glibc

/// Seconds of CPU that this process has used, all threads together: a busy machine does not show, and
/// nothing that a call costs on another thread is left out.
func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Figures of one kind, one per pair.
struct Samples {
    private var values: [Double] = []

    mutating func add(_ value: Double) { values.append(value) }

    var median: Double { quantile(0.5) }

    func quantile(_ part: Double) -> Double {
        guard !values.isEmpty else { return .nan }
        return values.sorted()[Int(Double(values.count - 1) * part)]
    }
}

extension Double {
    /// With so many digits after the point, right-aligned.
    func text(_ digits: Int, width: Int = 0) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = Int64((self * scale).rounded())
        var text = String(whole.magnitude)
        while text.count <= digits { text = "0" + text }
        if digits > 0 { text.insert(".", at: text.index(text.endIndex, offsetBy: -digits)) }
        if whole < 0 { text = "-" + text }
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
