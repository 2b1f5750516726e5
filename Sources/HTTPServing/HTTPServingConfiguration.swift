/// Where the HTTP server listens and what it accepts.
///
/// Every limit has a default that stock git, curl and browsers never meet.
package struct HTTPServingConfiguration: Sendable {
    /// A certificate chain and its private key, both PEM files that are read once at start.
    package struct TLSFiles: Sendable {
        /// The certificate chain, the server's own certificate first.
        package var certificateFile: String
        /// The private key that belongs to the first certificate, not encrypted.
        package var keyFile: String

        /// Names the two files; they are read when the server is made.
        package init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    /// The address to bind: a host name or an IP address.
    package var address: String
    /// The port to bind; 0 takes any free one.
    package var port: Int
    /// The files for TLS (1.2 and newer), or nil for plain HTTP.
    package var tls: TLSFiles?
    /// The longest request target, in bytes; longer ones are answered with 414.
    package var urlBytesMax = 8 * 1024
    /// The longest header field value, in bytes; longer ones are answered with 431.
    package var headerFieldBytesMax = 16 * 1024
    /// The request line and all header fields together, in bytes; more is answered with 431.
    package var headerBytesMax = 64 * 1024
    /// The number of header fields; more are answered with 431.
    package var headerCountMax = 128
    /// The size of a request body after decompression, in bytes; counted only for compressed bodies.
    package var inflatedBytesMax = 128 * 1024 * 1024
    /// How many times larger than its compressed form a request body may become; more is answered with 413.
    package var inflatedRatioMax = 100
    /// The time from the start of a connection to its first complete request head.
    package var headTimeout: Duration = .seconds(10)
    /// The time that a connection may stay open between requests.
    package var idleTimeout: Duration = .seconds(60)
    /// The time without any progress after which a half-read request or a half-written answer is given up.
    package var stallTimeout: Duration = .seconds(120)
    /// The number of connections that are served at once; nil for no limit. Others wait in the backlog.
    package var connectionsMax: Int?
    /// The length of the queue of connections that nobody has accepted yet.
    package var backlog = 1024

    /// A configuration with the default limits.
    package init(address: String = "0.0.0.0", port: Int = 7990, tls: TLSFiles? = nil) {
        self.address = address
        self.port = port
        self.tls = tls
    }
}
