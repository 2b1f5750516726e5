/// Why a peer, an upstream or a foreign server, did not do what was asked.
package enum PeerError: Error, Sendable, CustomStringConvertible {
    /// No connection, or it broke.
    case unreachable(url: String, reason: String)
    /// Its certificate is not one to trust, or TLS does not come about.
    case tls(url: String, reason: String)
    /// It did not answer in time.
    case timeout(url: String)
    /// It answered with an error.
    case refused(status: Int, message: String, code: String?)
    /// What it answered makes no sense.
    case notUnderstood(url: String, reason: String)

    /// What scripts and plugins tell apart: `unreachable`, `tls`, `timeout`, `clock`, `credentials`,
    /// `conflict`, `unauthorized`, `not_found`, `refused`, `not_understood`.
    package var code: String {
        switch self {
        case .unreachable: "unreachable"
        case .tls: "tls"
        case .timeout: "timeout"
        case .notUnderstood: "not_understood"
        case .refused(let status, _, let code):
            if let code {
                code
            } else {
                switch status {
                case 401, 403: "unauthorized"
                case 404: "not_found"
                case 409: "conflict"
                default: "refused"
                }
            }
        }
    }

    /// The reason of ``unreachable(url:reason:)`` when the machine itself said so.
    static let nobodyListens = "nobody listens there"

    /// Whether it may go better the next time, with nothing changed by anybody.
    package var isPassing: Bool {
        switch self {
        case .unreachable, .timeout: true
        case .tls, .notUnderstood: false
        case .refused(let status, _, _): status == 429 || status >= 500
        }
    }

    package var description: String {
        switch self {
        case .unreachable(let url, let reason): "\(url) cannot be reached: \(reason)"
        case .tls(let url, let reason): "\(url) cannot be trusted: \(reason)"
        case .timeout(let url): "\(url) did not answer in time"
        case .refused(let status, let message, _): "answered with \(status): \(message)"
        case .notUnderstood(let url, let reason): "\(url) answered with what is no answer: \(reason)"
        }
    }
}
