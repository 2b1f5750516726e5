import HTTPTypes
package import Hosting

extension RequestError {
    private static let package = "com.atlassian.bitbucket."

    /// The answer to something that the domain refused.
    ///
    /// - Source: the original's REST conventions: 401 also when a known user lacks a permission, 404 for
    ///   what is
    ///   missing or invisible, 409 for duplicates and states.
    package init(_ error: HostingError) {
        switch error {
        case .noSuchProject: self.init(error, .notFound, "project.NoSuchProjectException")
        case .noSuchRepository: self.init(error, .notFound, "repository.NoSuchRepositoryException")
        case .noSuchUser: self.init(error, .notFound, "user.NoSuchUserException")
        case .noSuchGroup: self.init(error, .notFound, "user.NoSuchGroupException")
        case .noSuchToken, .noSuchKey: self.init(error, .notFound, "NoSuchEntityException")
        case .noSuchBranch: self.init(error, .notFound, "repository.NoSuchBranchException")
        case .noSuchTag: self.init(error, .notFound, "repository.NoSuchTagException")
        case .noSuchCommit: self.init(error, .notFound, "commit.NoSuchCommitException")
        case .noSuchPath: self.init(error, .notFound, "content.NoSuchPathException")
        case .noDefaultBranch: self.init(error, .notFound, "repository.NoDefaultBranchException")
        case .duplicate(let what, _):
            let isRef = what == "branch" || what == "tag"
            self.init(
                error, .conflict, isRef ? "repository.DuplicateRefException" : nil,
                field: isRef ? nil : "name")
        case .invalid(let field, _):
            self.init(error, .badRequest, "validation.ArgumentValidationException", field: field)
        case .notAuthorised: self.init(error, .unauthorized, "AuthorisationException")
        case .authenticationFailed:
            self = .challenge(
                error.message, exceptionName: Self.package + "auth.IncorrectPasswordAuthenticationException")
        case .authenticationRequired:
            self = .challenge(error.message, exceptionName: Self.package + "AuthorisationException")
        case .notEmpty, .conflict: self.init(error, .conflict, "IntegrityException")
        case .refused, .archived: self.init(error, .conflict, nil)
        case .busy(let retryAfter):
            self.init(error, .serviceUnavailable, "throttle.ResourceBusyException")
            headers[.retryAfter] = String(max(1, retryAfter.components.seconds))
        case .notReady, .unavailable: self.init(error, .serviceUnavailable, nil)
        case .diskFull:
            self.init(error, HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage"), nil)
        }
    }

    private init(
        _ error: HostingError, _ status: HTTPResponse.Status, _ exception: String?, field: String? = nil
    ) {
        self.init(status, error.message, field: field, exceptionName: exception.map { Self.package + $0 })
    }
}
