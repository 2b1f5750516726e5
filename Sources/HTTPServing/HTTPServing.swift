package import Hosting
package import Hummingbird
import HummingbirdCore
package import Logging
package import NIOCore

/// The HTTP server without routes: connections, limits, request ids, authentication, errors, drain.
package enum HTTPServing {
    /// Turns what a caller shows into who it is; nil stands for a caller that shows nothing.
    package typealias Authentication = @Sendable (Credentials?) async throws -> Principal

    /// Who a caller is, as far as it is known.
    package typealias Identification = @Sendable (Principal) -> User?

    /// A router to which doors add their routes; what every request goes through is in place.
    ///
    /// In this order: request id, access log and figures; errors; authentication; errors of the routes;
    /// `Expect: 100-continue`.
    /// - Parameter identify: Whom answers and the access log name, asked when the answer is there.
    package static func router(
        identify: @escaping Identification = { $0.user }, authenticate: @escaping Authentication
    ) -> Router<ServingContext> {
        let router = Router(context: ServingContext.self)
        router.add(middleware: AccessMiddleware())
        router.add(middleware: ErrorMiddleware())
        router.add(middleware: AuthenticationMiddleware(authenticate: authenticate, identify: identify))
        router.add(middleware: ErrorMiddleware())
        router.add(middleware: ContinueMiddleware())
        return router
    }

    /// The service that listens and answers; it stops accepting and drains when it is shut down gracefully.
    ///
    /// How long the drain may take is the service group's matter: `maximumGracefulShutdownDuration`.
    /// - Parameter onServerRunning: Called once with the port that is bound.
    /// - Throws: ``TLSFileError`` when a certificate or key file cannot be used.
    package static func service(
        router: Router<ServingContext>, configuration: HTTPServingConfiguration,
        eventLoopGroup: any EventLoopGroup, logger: Logger,
        onServerRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) throws -> Application<RouterResponder<ServingContext>> {
        let tls = try configuration.tls.map { try $0.load() }
        let builder = HTTPServerBuilder { responder -> any ServerChildChannel in
            let channel = ServingChannel(responder: responder, configuration: configuration)
            guard let tls else { return channel }
            return TLSServingChannel(base: channel, tls: tls)
        }
        return Application(
            responder: router.buildResponder(), server: builder,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.address, port: configuration.port), serverName: nil,
                backlog: configuration.backlog,
                availableConnectionsDelegate: configuration.connectionsMax.map {
                    MaximumAvailableConnections($0)
                }),
            onServerRunning: { channel in
                await onServerRunning(channel.localAddress?.port ?? configuration.port)
            },
            eventLoopGroupProvider: .shared(eventLoopGroup), logger: logger)
    }
}
