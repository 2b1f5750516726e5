import Glibc

/// Operating system calls with errors that say what was done to which path.
enum SystemCall {
    /// The text of an error number, such as `No space left on device`.
    static func text(_ number: Int32) -> String {
        guard let text = strerror(number) else { return "error \(number)" }
        return String(cString: text)
    }

    /// The error of a call that has just been refused.
    static func failure(_ operation: String, _ path: String, errno number: Int32 = errno) -> GitStoreError {
        switch number {
        case ENOSPC, EDQUOT: .diskFull(path: path)
        default: .system(operation: operation, path: path, errno: number)
        }
    }
}
