import NodeTestKit

extension RunningNode {
    /// Writes a plugin into the installed ones, before a start.
    /// - Parameter permissions: JSON, what the manifest asks for.
    /// - Parameter main: The Lua of `main.lua`.
    func installPlugin(_ id: String, permissions: String = "{}", main: String) throws {
        let folder = "home/shared/plugins/installed-plugins/\(id)"
        let manifest =
            #"{"id": "\#(id)", "name": "Test", "version": "1.0.0", "api": 1, "main": "main.lua", "#
            + #""cluster_compatible": true, "permissions": \#(permissions)}"#
        try directory.write(manifest, to: "\(folder)/plugin.json")
        try directory.write(main, to: "\(folder)/main.lua")
    }
}
