import Glibc
import Hosting

/// Looks at how much room there is where a node writes.
enum DiskSpaceCheck {
    /// What is left of something that runs out.
    struct Room: Sendable, Hashable {
        var free: UInt64
        var total: UInt64

        /// Whether less than a hundredth of it is left for each of these, and less than this number.
        fileprivate func isBelow(percent: UInt64, number: UInt64) -> Bool {
            free < number && Double(free) * 100 < Double(total) * Double(percent)
        }

        fileprivate var percent: UInt64 { total == 0 ? 0 : UInt64(Double(free) / Double(total) * 100) }
    }

    private static let gibibyte: UInt64 = 1 << 30
    private static let advice =
        "Make the disk larger, or move the home to a larger one. On a mirror, fewer projects need less: "
        + "perigee mirror projects on the upstream. Leave what is below the home as it is."
    private static let nodeAdvice =
        "Each repository is some tens of files. Move the home to a file system with more inodes."

    /// The disks of the home and of the shared home, each once.
    static func run(_ layout: HomeLayout) -> [DoctorFinding] {
        var seen: Set<UInt64> = []
        var findings: [DoctorFinding] = []
        // The repositories first: their disk is the one that fills up.
        for path in [layout.repositories, layout.shared, layout.home] {
            guard let (folder, device) = existing(path), seen.insert(device).inserted else { continue }
            findings += look(at: folder)
        }
        return findings.isEmpty
            ? [.skipped("disk", "Nothing of \(layout.home) is there to look at.")] : findings
    }

    /// The checks of the file system that holds a folder.
    static func look(at folder: String) -> [DoctorFinding] {
        var facts = statvfs()
        guard statvfs(folder, &facts) == 0 else {
            return [.skipped("disk", "The disk of \(folder) cannot be looked at: \(text(errno)).")]
        }
        let unit = UInt64(facts.f_frsize)
        func bytes(_ blocks: UInt64) -> UInt64 {
            let (product, overflow) = blocks.multipliedReportingOverflow(by: unit)
            return overflow ? .max : product
        }
        // What only root may use is not free; nobody counts on it.
        let space = Room(free: bytes(UInt64(facts.f_bavail)), total: bytes(UInt64(facts.f_blocks)))
        let inodes = Room(free: UInt64(facts.f_favail), total: UInt64(facts.f_files))
        return [judge(space: space, of: folder)] + [judge(inodes: inodes, of: folder)].compactMap { $0 }
    }

    static func judge(space: Room, of folder: String) -> DoctorFinding {
        let fact =
            "\(size(space.free)) of \(size(space.total)) (\(space.percent) %) are free on the disk of "
            + "\(folder)."
        if space.isBelow(percent: 2, number: gibibyte) {
            return .problem(
                "disk", fact + " Fetches and pushes fail when it is full.", advice)
        }
        if space.isBelow(percent: 10, number: 20 * gibibyte) { return .warning("disk", fact, advice) }
        return .ok("disk", fact)
    }

    /// - Returns: nil for a file system that makes as many as it needs.
    static func judge(inodes: Room, of folder: String) -> DoctorFinding? {
        guard inodes.total > 0 else { return nil }
        let fact =
            "\(inodes.free) of \(inodes.total) inodes (\(inodes.percent) %) are free on the disk of "
            + "\(folder)."
        if inodes.isBelow(percent: 2, number: 50_000) {
            return .problem("disk inodes", fact + " No file can be made without one.", nodeAdvice)
        }
        if inodes.isBelow(percent: 10, number: 1_000_000) { return .warning("disk inodes", fact, nodeAdvice) }
        return .ok("disk inodes", fact)
    }

    /// The folder, or the nearest above it that is there, and its device.
    private static func existing(_ path: String) -> (folder: String, device: UInt64)? {
        var folder = path
        while true {
            var facts = stat()
            if stat(folder, &facts) == 0 { return (folder, UInt64(facts.st_dev)) }
            guard folder != "/", let slash = folder.lastIndex(of: "/") else { return nil }
            folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
        }
    }

    private static func size(_ bytes: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var (value, unit) = (Double(bytes), 0)
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        return unit == 0 ? "\(bytes) B" : "\((value * 10).rounded() / 10) \(units[unit])"
    }

    private static func text(_ number: CInt) -> String {
        strerror(number).map { String(cString: $0) } ?? "error \(number)"
    }
}
