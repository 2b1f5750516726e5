import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import Synchronization

/// The outermost layer: the id on the answer, the access log line, the figures.
struct AccessMiddleware: RouterMiddleware {
    let logger = Logger(label: "perigee.access")

    func handle(
        _ request: Request, context: ServingContext,
        next: (Request, ServingContext) async throws -> Response
    ) async throws -> Response {
        let record = AccessRecord(request: request, context: context, logger: logger)
        ServingMetrics.inFlight(RequestIDs.enter())
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            response = ErrorRendering.response(for: error, request: request, context: context)
        }
        // Errors have a body whatever was asked; after HEAD it would be read as the next answer.
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[.requestID] = context.requestID
        response.headers[.xContentTypeOptions] = "nosniff"
        record.answered(with: response)
        if let bytes = response.body.contentLength {
            record.finish(bytes: bytes, outcome: nil)
        } else {
            response.body = record.watching(response.body)
        }
        return response
    }
}

/// One line of the access log, and the figures of the same request.
private final class AccessRecord: Sendable {
    private let method: String
    private let path: String
    private let requestID: String
    private let remoteAddress: String?
    private let logger: Logger
    private let start = ContinuousClock.now
    private let answer = Mutex<(status: Int, user: String)>((0, "-"))

    init(request: Request, context: ServingContext, logger: Logger) {
        method = request.method.rawValue
        path = request.uri.path
        requestID = context.requestID
        remoteAddress = context.remoteAddress
        self.logger = logger
    }

    func answered(with response: Response) {
        answer.withLock { $0 = (response.status.code, response.headers[.userName] ?? "-") }
    }

    /// The same body, whose end or failure is noted.
    func watching(_ body: ResponseBody) -> ResponseBody {
        ResponseBody { writer in
            let count = ByteCount()
            do {
                try await body.write(CountingWriter(parent: writer, count: count))
                self.finish(bytes: count.value, outcome: nil)
            } catch {
                self.finish(bytes: count.value, outcome: "cut short")
                throw error
            }
        }
    }

    func finish(bytes: Int, outcome: String?) {
        ServingMetrics.inFlight(RequestIDs.leave())
        let (status, user) = answer.withLock { $0 }
        let duration = start.duration(to: .now)
        ServingMetrics.count(method: method, status: status)
        ServingMetrics.record(method: method, duration: duration)
        guard logger.logLevel <= .info else { return }
        let milliseconds =
            duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        var metadata: Logger.Metadata = [
            "request.id": "\(requestID)", "method": "\(method)", "path": "\(path.prefix(500))",
            "status": "\(status)",
            "bytes": "\(bytes)", "ms": "\(milliseconds)", "user": "\(user)",
        ]
        if let remoteAddress { metadata["remote"] = "\(remoteAddress)" }
        if let outcome { metadata["outcome"] = "\(outcome)" }
        logger.info("request", metadata: metadata)
    }
}

/// Bytes of one body, counted while they are written.
private final class ByteCount: Sendable {
    private let total = Atomic<Int>(0)
    var value: Int { total.load(ordering: .relaxed) }
    func add(_ bytes: Int) { total.wrappingAdd(bytes, ordering: .relaxed) }
}

/// Passes a body on and counts it.
private struct CountingWriter: ResponseBodyWriter {
    var parent: any ResponseBodyWriter
    let count: ByteCount

    mutating func write(_ buffer: ByteBuffer) async throws {
        try await parent.write(buffer)
        count.add(buffer.readableBytes)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await parent.finish(trailingHeaders)
    }
}
