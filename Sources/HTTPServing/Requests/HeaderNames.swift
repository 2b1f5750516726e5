package import HTTPTypes

extension HTTPField.Name {
    /// `X-AREQUESTID`: the id of the request, on every answer.
    package static var requestID: Self { makeName("X-AREQUESTID") }
    /// `X-AUSERNAME`: the name of the user that the credentials belong to.
    package static var userName: Self { makeName("X-AUSERNAME") }
    /// `X-AUSERID`: the id of the user that the credentials belong to.
    package static var userID: Self { makeName("X-AUSERID") }
    /// `Git-Protocol`: the protocol version that a git client asks for.
    package static var gitProtocol: Self { makeName("Git-Protocol") }
    /// `Pragma`: the cache directive that proxies of HTTP/1.0 know.
    package static var pragma: Self { makeName("Pragma") }

    private static func makeName(_ text: String) -> Self {
        // The literals above are valid field names; `Server` stands in only if that were ever broken.
        HTTPField.Name(text) ?? .server
    }
}
