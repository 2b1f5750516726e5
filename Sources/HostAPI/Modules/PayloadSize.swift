import PluginHost
import Portable

/// The limit of a value that a plugin stores or sends.
enum PayloadSize {
    /// - Parameter place: `#2 'value' to 'perigee.kv.put'`.
    /// - Returns: Its size in bytes.
    /// - Throws: ``HostFailure`` of kind `.misuse` for a value of more than 256 KiB or 32 levels.
    @discardableResult
    static func check(_ value: PortableValue, _ place: String) throws -> Int {
        do {
            return try MessagePack.encode(value, limits: .standard).count
        } catch {
            throw HostFailure.misuse("bad argument \(place) (\(error))")
        }
    }
}
