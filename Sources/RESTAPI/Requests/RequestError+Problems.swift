import HTTPServing
import HTTPTypes

extension RequestError {
    /// 400 for a field, parameter or body that breaks a rule.
    /// - Parameter field: Its name, `nil` when the request as a whole is wrong.
    static func badRequest(_ field: String?, _ message: String) -> RequestError {
        RequestError(
            .badRequest, message, field: field,
            exceptionName: "com.atlassian.bitbucket.validation.ArgumentValidationException")
    }

    /// 404 for what is no entity of the domain.
    static func notFound(_ message: String) -> RequestError {
        RequestError(.notFound, message)
    }
}
