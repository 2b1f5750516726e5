import Glibc

/// Names this run of the machine, and the home that this process has locked: who has the same origin can only
/// be the next process on that home. A machine's id would not do, as a copied machine has the same.
enum NodeOrigin {
    /// `nil` when the home or the system cannot be asked.
    static func of(home: String) -> String? {
        guard let boot = SystemFile.text(of: "/proc/sys/kernel/random/boot_id")?.trimmingBlanks, !boot.isEmpty
        else { return nil }
        var facts = stat()
        guard stat(home, &facts) == 0 else { return nil }
        return "\(boot) \(facts.st_dev) \(facts.st_ino)"
    }

    /// The machine's name.
    static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
