import PluginHost
import Portable

/// The limit of a value that a plugin stores or sends.
enum PayloadSize {
    /// - Throws: ``HostFailure`` of kind `.misuse` for a value of more than 256 KiB or 32 levels.
    static func check(_ value: PortableValue, _ call: HostCall, argument: Int, _ name: String) throws {
        do {
            _ = try MessagePack.encode(value, limits: .standard)
        } catch {
            try call.require(false, argument: argument, name, "\(error)")
        }
    }
}
