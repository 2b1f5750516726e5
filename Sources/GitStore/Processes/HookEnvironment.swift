/// What a push's hook process needs to call back to the node.
package struct HookEnvironment: Sendable, Hashable {
    /// The absolute path of the node's hook socket.
    package var socketPath: String
    /// The secret that stands for one push.
    package var secret: String

    /// Makes the environment of one push.
    package init(socketPath: String, secret: String) {
        self.socketPath = socketPath
        self.secret = secret
    }
}
