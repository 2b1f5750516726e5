import HTTPTypes
import Hosting
package import Hummingbird
import Logging
import NIOHTTP1
import Portable

/// Turns whatever was thrown into an answer.
package enum ErrorRendering {
    /// Paths below which people read errors in a git client: plain text instead of JSON.
    package static let textPrefix = "/scm/"

    /// The answer for `error`; an error that nobody foresaw is logged here, once.
    package static func response(for error: any Error, request: Request, context: ServingContext) -> Response
    {
        let answer = requestError(for: error, request: request, context: context)
        if request.uri.path.hasPrefix(textPrefix) {
            return .text(answer.message + "\n", status: answer.status, headers: answer.headers)
        }
        return envelope(answer)
    }

    /// The error in the form that is answered.
    package static func requestError(
        for error: any Error, request: Request, context: ServingContext
    ) -> RequestError {
        switch error {
        case let error as RequestError: return error
        case let error as HostingError:
            if case .notAuthorised = error, context.principal.isAnonymous {
                return .challenge(error.message, exceptionName: RequestError(error).exceptionName)
            }
            return RequestError(error)
        case let error as HTTPError:
            return RequestError(error.status, sentence(of: error, request: request), headers: error.headers)
        case let error as ConnectionRefusal: return RequestError(error.status, error.sentence)
        case is HTTPParserError: return RequestError(.badRequest, "The request broke off. Send it again.")
        case is CancellationError:
            return RequestError(.serviceUnavailable, "The server is stopping. Try again in a moment.")
        default: return unexpected(error, request: request, context: context)
        }
    }

    private static func sentence(of error: HTTPError, request: Request) -> String {
        if let body = error.body { return body }
        if error.status == .notFound { return "There is nothing at this address. Check the URL." }
        return "The request was answered with \(error.status.code) \(error.status.reasonPhrase)."
    }

    private static func unexpected(
        _ error: any Error, request: Request, context: ServingContext
    ) -> RequestError {
        if context.presence.hasLeft {
            context.logger.debug("client left during the request", metadata: ["error": "\(error)"])
        } else {
            context.logger.error(
                "request failed",
                metadata: [
                    "error": "\(error)", "error.type": "\(type(of: error))",
                    "method": "\(request.method.rawValue)",
                    "path": "\(request.uri.path.prefix(500))",
                ])
        }
        return RequestError(
            .internalServerError,
            "The server could not complete the request. "
                + "Give the id \(context.requestID) to its administrator."
        )
    }

    private static func envelope(_ error: RequestError) -> Response {
        let item: PortableValue = [
            "context": error.field.map { .string($0) } ?? .null,
            "message": .string(error.message),
            "exceptionName": error.exceptionName.map { .string($0) } ?? .null,
        ]
        let response = try? Response.json(["errors": [item]], status: error.status, headers: error.headers)
        return response ?? .text(error.message + "\n", status: error.status, headers: error.headers)
    }
}
