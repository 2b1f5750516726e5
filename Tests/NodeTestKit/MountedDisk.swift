import Foundation

/// A small file system of its own: a disk that fills up, or that loses its power.
///
/// Mounting needs root; ask ``isAvailable(_:)`` in a test's `.enabled(_:_:)`. It is unmounted when the last
/// reference to it goes.
package final class MountedDisk: Sendable {
    /// What the disk is made of.
    package enum Kind: Sendable {
        /// Memory (tmpfs).
        case memory
        /// An ext4 file system in a file, on a loop device. Nothing but a sync brings anything to the disk.
        case journaled
    }

    /// Where it is mounted; an absolute path.
    package let path: String
    private let directory: TemporaryDirectory
    private let device: [String]
    /// The mount commands are in folders that the PATH of an ordinary user does not name.
    private static let environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"]
    private static let memoryProbe = Task { await mounts(.memory) }
    private static let journaledProbe = Task { await mounts(.journaled) }

    /// Whether this machine lets the tests mount such a disk; tried once.
    package static func isAvailable(_ kind: Kind) async -> Bool {
        switch kind {
        case .memory: await memoryProbe.value
        case .journaled: await journaledProbe.value
        }
    }

    /// Makes a disk, empty but for what its file system makes, and mounts it.
    /// - Parameter name: A folder of `directory`, which is made when it is missing.
    /// - Throws: ``TestKitError/command(line:outcome:)`` when it cannot be mounted.
    package static func make(
        _ kind: Kind, megabytes: Int, at name: String, in directory: TemporaryDirectory
    ) async throws -> MountedDisk {
        let path = try directory.folder(name)
        switch kind {
        case .memory:
            let disk = MountedDisk(
                path, directory, ["-t", "tmpfs", "-o", "size=\(megabytes)m,mode=0750", "none"])
            try await disk.mount()
            return disk
        case .journaled:
            let image = directory.path(name.replacing("/", with: "-") + ".ext4")
            try await run(["truncate", "--size", "\(megabytes)M", image])
            try await run(["mkfs.ext4", "-q", "-F", image])
            // By itself the journal is written out each 5 seconds, which would hide a sync that is missing.
            let disk = MountedDisk(
                path, directory, ["-t", "ext4", "-o", "loop,noatime,commit=600", image])
            try await disk.mount()
            return disk
        }
    }

    private init(_ path: String, _ directory: TemporaryDirectory, _ device: [String]) {
        self.path = path
        self.directory = directory
        self.device = device
    }

    deinit {
        umount2(path, CInt(MNT_DETACH))
    }

    /// Mounts it again after ``unmount()``, which replays its journal as a machine does when it starts.
    package func mount() async throws {
        try await Self.run(["mount"] + device + [path])
    }

    /// Unmounts it, as soon as nobody has a file of it open.
    package func unmount() async throws {
        try await waitUntil("the end of every use of \(path)") { umount2(self.path, 0) == 0 }
    }

    /// Brings everything on it to the disk.
    package func sync() async throws {
        try await Self.run(["sync", "--file-system", path])
    }

    /// Takes the power away: what was not synced is lost, and whatever is done from now on fails.
    ///
    /// Only for ``Kind/journaled``.
    package func cutPower() throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw TestKitError.system(call: "open \(path)", code: errno) }
        defer { close(descriptor) }
        // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: the journal is not written out before.
        var flags: UInt32 = 2
        guard ioctl(descriptor, 0x8004_587d, &flags) == 0 else {
            throw TestKitError.system(call: "shut down the file system of \(path)", code: errno)
        }
    }

    /// Uses up all that is left of it, with the file `filler`.
    package func fill() throws {
        let descriptor = open("\(path)/filler", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw TestKitError.system(call: "open \(path)/filler", code: errno) }
        defer { close(descriptor) }
        // The last part is not whole: smaller and smaller ones find the last free block.
        for size in [1 << 20, 1 << 12, 1] {
            let bytes = [UInt8](repeating: 0x5a, count: size)
            while write(descriptor, bytes, size) > 0 {}
        }
        guard errno == ENOSPC else { throw TestKitError.system(call: "fill \(path)", code: errno) }
    }

    /// Gives back what ``fill()`` took.
    package func free() throws {
        guard unlink("\(path)/filler") == 0 else {
            throw TestKitError.system(call: "remove \(path)/filler", code: errno)
        }
    }

    private static func mounts(_ kind: Kind) async -> Bool {
        guard geteuid() == 0, let directory = try? TemporaryDirectory("mount") else { return false }
        return await (try? make(kind, megabytes: 8, at: "disk", in: directory)) != nil
    }

    private static func run(_ command: [String]) async throws {
        let outcome = try await ChildProcess.run(command, environment: environment)
        guard outcome.succeeded else {
            throw TestKitError.command(line: command.joined(separator: " "), outcome: outcome)
        }
    }
}
