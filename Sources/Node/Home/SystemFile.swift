import FoundationEssentials
import Glibc

/// The few file operations whose exact system calls matter here.
enum SystemFile {
    /// What went wrong, with the system's own words.
    struct Failure: Error {
        var path: String
        var reason: String
        var code: Int32

        init(path: String, code: Int32 = errno) {
            self.path = path
            self.code = code
            reason = String(cString: strerror(code))
        }
    }

    /// Writes a file so that readers see the old content or the new one, never a part of it.
    static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws(Failure) {
        let draft = "\(path).\(getpid()).tmp"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw Failure(path: draft) }
        defer { close(descriptor) }
        try write(bytes, to: descriptor, path: draft)
        guard fsync(descriptor) == 0, rename(draft, path) == 0 else { throw Failure(path: path) }
    }

    /// Writes all of `bytes` at the descriptor's position.
    static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(path: path) }
            sent += count
        }
    }

    /// The permission bits of a file or folder, of what a link leads to; `nil` when it is not there.
    static func mode(of path: String) -> UInt? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        let attributes = try? FileManager.default.attributesOfItem(atPath: String(cString: resolved))
        return attributes?[.posixPermissions] as? UInt
    }

    /// Writes text for people to one of the process' own streams.
    static func show(_ text: String, on descriptor: Int32) {
        // Where nobody listens there is nobody to tell.
        try? write(Array(text.utf8), to: descriptor, path: "standard output")
    }

    /// The whole content of a small file; `nil` when it is not there.
    static func text(of path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// `bytes` random bytes, as hexadecimal digits.
    static func randomHexadecimal(bytes: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef")
        return String((0..<bytes * 2).map { _ in digits[Int.random(in: 0..<16, using: &generator)] })
    }
}
