package import HTTPTypes

/// An answer that says why something was not done; thrown anywhere in a door, rendered in one place.
package struct RequestError: Error, Sendable, CustomStringConvertible {
    /// The status of the answer.
    package var status: HTTPResponse.Status
    /// The sentence for people: the fact, then one action.
    package var message: String
    /// The name of the field that is wrong, if one is.
    package var field: String?
    /// The original's name for this kind of error, which its clients test, if there is one.
    package var exceptionName: String?
    /// Header fields of the answer, such as a challenge.
    package var headers: HTTPFields

    /// An error with everything that can be said about it.
    package init(
        _ status: HTTPResponse.Status, _ message: String, field: String? = nil, exceptionName: String? = nil,
        headers: HTTPFields = [:]
    ) {
        self.status = status
        self.message = message
        self.field = field
        self.exceptionName = exceptionName
        self.headers = headers
    }

    /// The clause for logs.
    package var description: String { "answered with \(status.code): \(message)" }

    /// 401 with a challenge that makes clients ask for credentials.
    package static func challenge(_ message: String, exceptionName: String? = nil) -> RequestError {
        RequestError(
            .unauthorized, message, exceptionName: exceptionName,
            headers: [.wwwAuthenticate: "Basic realm=\"Perigee\", charset=\"UTF-8\""])
    }
}
