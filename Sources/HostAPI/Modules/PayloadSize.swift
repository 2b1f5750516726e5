import PluginHost
import Portable

/// The limit of a value that a plugin stores or sends.
enum PayloadSize {
    /// - Parameter place: `#2 'value' to 'perigee.kv.put'`.
    /// - Throws: ``HostFailure`` of kind `.misuse` for a value of more than 256 KiB or 32 levels.
    static func check(_ value: PortableValue, _ place: String) throws {
        do {
            _ = try MessagePack.encode(value, limits: .standard)
        } catch {
            throw HostFailure.misuse("bad argument \(place) (\(error))")
        }
    }
}
