import HTTPTypes
import Logging
import NIOCore
import NIOExtras
import NIOHTTPTypes

/// Watches one connection: answers what the decoder refuses, sends `100 Continue`, ends connections that
/// make no
/// progress, tells when the client goes, and lets a stopping server drain.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: HTTPServingConfiguration
    private let presence: ClientPresence
    private var progress: ConnectionProgress
    private var awaitsContinue = false
    private var inflatedBytes: Int?
    /// After a refusal, or an answer that the client's own sending outlasts: nothing is taken any more.
    private var isClosing = false
    private var readsWhileClosing = 0
    private var timer: Scheduled<Void>?
    private var timerDeadline: NIODeadline?
    private static let lingerTime: TimeAmount = .seconds(2)
    private static let readsWhileClosingMax = 64

    init(limits: HTTPServingConfiguration, presence: ClientPresence) {
        self.limits = limits
        self.presence = presence
        progress = ConnectionProgress(limits: limits, now: .now())
    }

    // MARK: Life of the connection

    func handlerAdded(context: ChannelHandlerContext) {
        progress = ConnectionProgress(limits: limits, now: .now())
        rearm(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) { cancelTimer() }

    func channelInactive(context: ChannelHandlerContext) {
        cancelTimer()
        presence.leave()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            progress.closesAfterAnswer = true
            if progress.requestsOpen == 0, !isClosing { context.close(promise: nil) }
        case ChannelEvent.inputClosed:
            presence.leave()
            if isClosing { context.close(promise: nil) }
            context.fireUserInboundEventTriggered(event)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isClosing { return }
        guard let refusal = ConnectionRefusal(error: error, limits: limits) else {
            presence.leave()
            context.fireErrorCaught(error)
            return
        }
        refuse(refusal, context: context)
    }

    // MARK: Requests

    func read(context: ChannelHandlerContext) {
        guard !isClosing else { return }
        progress.wantRead(now: .now())
        if progress.isReadingRequest { rearm(context) }
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        progress.readComplete()
        if isClosing {
            readOn(context)
        } else {
            context.fireChannelReadComplete()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        switch Self.unwrapInboundIn(data) {
        case .head(let head): readHead(head, context: context)
        case .body(let buffer):
            awaitsContinue = false
            if let inflated = inflatedBytes {
                inflatedBytes = inflated + buffer.readableBytes
                if inflated + buffer.readableBytes > limits.inflatedBytesMax {
                    let sentence = ConnectionRefusal.inflationSentence(limits: limits)
                    return refuse(ConnectionRefusal(.contentTooLarge, sentence), context: context)
                }
            }
            let action = progress.readBody(bytes: buffer.readableBytes, now: .now())
            context.fireChannelRead(data)
            perform(action, context: context)
        case .end:
            awaitsContinue = false
            progress.readEnd(now: .now())
            context.fireChannelRead(data)
            rearm(context)
        }
    }

    private func readHead(_ original: HTTPRequest, context: ChannelHandlerContext) {
        var head = original
        progress.readHead(now: .now())
        inflatedBytes = nil
        if head.headerFields[.contentEncoding] != nil {
            // The decompressor has taken care of both.
            head.headerFields[.contentEncoding] = nil
            head.headerFields[.contentLength] = nil
            inflatedBytes = 0
        }
        if head.headerFields[.connection] == "close" { progress.closesAfterAnswer = true }
        awaitsContinue = false
        if let expectation = head.headerFields[.expect] {
            guard expectation.lowercased() == "100-continue" else {
                let sentence =
                    "The only expectation that this server meets is 100-continue. Leave Expect out."
                return refuse(ConnectionRefusal(.expectationFailed, sentence), context: context)
            }
            awaitsContinue = true
        }
        context.fireChannelRead(Self.wrapInboundOut(.head(head)))
        rearm(context)
    }

    // MARK: Answers

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard event is SendContinueEvent else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        if awaitsContinue, !progress.isAnswerOpen, !isClosing {
            awaitsContinue = false
            context.writeAndFlush(Self.wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
        promise?.succeed()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch Self.unwrapOutboundIn(data) {
        case .head(var head):
            progress.writeHead()
            // RFC 9110, 10.1.1: without the 100 nobody knows whether the body will come.
            if awaitsContinue { progress.closesAfterAnswer = true }
            if progress.closesAfterAnswer { head.headerFields[.connection] = "close" }
            context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            let action = progress.writeEnd(now: .now())
            rearm(context)
            guard action != .proceed else { return context.write(data, promise: promise) }
            // A socket is closed only once it has taken the answer.
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenComplete { _ in self.perform(action, context: context) }
            context.writeAndFlush(data, promise: written)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        progress.writabilityChanged(to: context.channel.isWritable, now: .now())
        rearm(context)
        context.fireChannelWritabilityChanged()
    }

    private func perform(_ action: ConnectionProgress.Action, context: ChannelHandlerContext) {
        switch action {
        case .proceed: break
        case .close: context.close(promise: nil)
        case .closeLingering: linger(context)
        }
    }

    /// Answers with the refusal, if no other answer has begun, and closes once the client has had time to
    /// read it.
    private func refuse(_ refusal: ConnectionRefusal, context: ChannelHandlerContext) {
        if progress.isAnswerOpen {
            context.close(promise: nil)
        } else {
            let (head, body) = RefusalAnswer.parts(refusal)
            context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
            context.write(Self.wrapOutboundOut(.body(body)), promise: nil)
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
            linger(context)
        }
        // What waits for the rest of the request learns that it does not come.
        context.fireErrorCaught(refusal)
    }

    /// Closes the sending side and reads a little on: a socket closed over unread bytes is reset, and a
    /// reset can
    /// overtake the answer.
    private func linger(_ context: ChannelHandlerContext) {
        guard !isClosing else { return }
        isClosing = true
        presence.leave()
        context.close(mode: .output, promise: nil)
        rearm(context)
        readOn(context)
    }

    private func readOn(_ context: ChannelHandlerContext) {
        guard readsWhileClosing < Self.readsWhileClosingMax else { return }
        readsWhileClosing += 1
        context.read()
    }

    // MARK: Time

    private func rearm(_ context: ChannelHandlerContext) {
        let deadline = isClosing ? NIODeadline.now() + Self.lingerTime : progress.deadline
        guard let deadline else { return }
        if let timerDeadline, timerDeadline <= deadline { return }
        timer?.cancel()
        timerDeadline = deadline
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timer = nil
            self.timerDeadline = nil
            self.timeIsUp(context)
        }
    }

    private func timeIsUp(_ context: ChannelHandlerContext) {
        if isClosing { return context.close(promise: nil) }
        guard let deadline = progress.deadline, deadline <= .now() else { return rearm(context) }
        if progress.isReadingRequest, progress.requestsOpen > 0, context.channel.isWritable {
            let sentence = "The request body stopped coming. Send it again."
            return refuse(ConnectionRefusal(.requestTimeout, sentence), context: context)
        }
        context.close(promise: nil)
    }

    private func cancelTimer() {
        timer?.cancel()
        timer = nil
    }
}
