/// How large a portable value may be when it is encoded or decoded.
package struct PortableLimits: Sendable, Hashable {
    /// How many lists and maps may lie inside one another; a plain number has depth 0.
    package var depthMax: Int
    /// Size of the encoding in bytes.
    package var bytesMax: Int

    /// - Parameters:
    ///   - depthMax: Nested lists and maps; 32 unless told.
    ///   - bytesMax: Bytes of encoding; 256 KiB unless told.
    package init(depthMax: Int = 32, bytesMax: Int = 256 * 1024) {
        self.depthMax = depthMax
        self.bytesMax = bytesMax
    }

    /// What a plugin may pass in one value: depth 32, 256 KiB.
    package static let standard = PortableLimits()

    /// For values of our own making: depth 128, 64 MiB.
    package static let unlimited = PortableLimits(depthMax: 128, bytesMax: 64 * 1024 * 1024)
}
