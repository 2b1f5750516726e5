/// What a git client may ask for over HTTP.
enum GitService: String, Sendable {
    /// Clone and fetch.
    case uploadPack = "git-upload-pack"
    /// Push.
    case receivePack = "git-receive-pack"

    /// The content type of a request to this service.
    var requestType: String { "application/x-\(rawValue)-request" }
    /// The content type of an answer of this service.
    var resultType: String { "application/x-\(rawValue)-result" }
    /// The content type of this service's advertisement.
    var advertisementType: String { "application/x-\(rawValue)-advertisement" }
}
