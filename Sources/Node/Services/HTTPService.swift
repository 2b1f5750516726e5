import Glibc
import HTTPServing
import Hummingbird
import NIOCore
import ServiceLifecycle

/// The HTTP door as a service: it opens at once, and closes and drains before what it needs is stopped.
struct HTTPService: Service, CustomStringConvertible {
    let application: Application<RouterResponder<ServingContext>>
    let configuration: HTTPServingConfiguration
    /// Settled when the server listens.
    let port: BoundPort

    var description: String { "http" }

    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            throw StartError.cannotListen(
                address: configuration.address, port: configuration.port,
                reason: String(cString: strerror(error.errnoCode)))
        }
    }
}
