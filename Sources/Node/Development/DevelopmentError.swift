/// Why the development cluster cannot run.
package enum DevelopmentError: Error, CustomStringConvertible {
    /// A program is missing.
    case missing(program: String, package: String)
    /// A program could not be started.
    case cannotStart(program: String, reason: String)
    /// A program said that it failed, or ended when it should not.
    case failed(program: String, log: String)
    /// A folder or file could not be made.
    case file(path: String, reason: String)
    /// A port cannot be had.
    case portTaken(Int, reason: String)
    /// Another cluster runs in the folder.
    case folderInUse(path: String)

    /// A sentence with what to do.
    package var description: String {
        switch self {
        case .missing(let program, let package):
            "\(program) is missing. Install Debian's package \(package): apt-get install \(package)"
        case .cannotStart(let program, let reason): "\(program) cannot be started: \(reason)"
        case .failed(let program, let log): "\(program) has failed. See \(log)"
        case .file(let path, let reason): "\(path) cannot be made: \(reason)"
        case .portTaken(let port, let reason):
            "Port \(port) of 127.0.0.1 cannot be had: \(reason). "
                + "Choose another one with --port or --ssh-port; 0 takes any that is free"
        case .folderInUse(let path):
            "A cluster runs in \(path) already. Stop it, or choose another --folder"
        }
    }
}
