import Glibc

/// The file `perigee.log`, renamed when it is full. Used by the writer's thread alone.
struct LogFile: ~Copyable {
    private let directory: String
    private let bytesMax: Int
    private let filesKept: Int
    private var descriptor: Int32 = -1
    private var size = 0
    /// Whether the last write left a part of a line.
    private var isTorn = false

    init(directory: String, bytesMax: Int, filesKept: Int) {
        self.directory = directory
        self.bytesMax = max(bytesMax, 1)
        self.filesKept = max(filesKept, 0)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends whole lines.
    /// - Returns: Whether they are in the file; `false` for a full disk or a folder that may not be written.
    mutating func append(_ lines: [UInt8]) -> Bool {
        guard open() else { return false }
        if size > 0, size + lines.count > bytesMax {
            rotate()
            guard open() else { return false }
        }
        return write(isTorn ? [UInt8(ascii: "\n")] + lines : lines)
    }

    private var path: String { "\(directory)/perigee.log" }

    private mutating func open() -> Bool {
        var status = stat()
        if descriptor >= 0 {
            // Somebody may have removed or renamed the file; go on with a new one then.
            var named = stat()
            if fstat(descriptor, &status) == 0, stat(path, &named) == 0, named.st_ino == status.st_ino,
                named.st_dev == status.st_dev
            {
                return true
            }
            close(descriptor)
            descriptor = -1
        }
        mkdir(directory, 0o750)
        descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return false }
        size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
        return true
    }

    private mutating func rotate() {
        close(descriptor)
        descriptor = -1
        guard filesKept > 0 else {
            unlink(path)
            return
        }
        for number in stride(from: filesKept - 1, to: 0, by: -1) {
            rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        rename(path, "\(path).1")
    }

    private mutating func write(_ bytes: [UInt8]) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: buffer[written...]).baseAddress,
                    buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                isTorn = written > 0 || isTorn
                return false
            }
            written += count
            size += count
        }
        isTorn = false
        return true
    }
}
