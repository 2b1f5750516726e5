internal import FoundationEssentials
internal import Glibc

/// Who a mirror is: its farm's secret, and what follows from it.
package struct FarmIdentity: Sendable {
    /// What all nodes of the farm know, and nobody else.
    package let secret: String
    /// By which the farm's nodes sign.
    package let key: SigningKey
    /// What administrators compare.
    package var id: MirrorID { MirrorID(publicKey: key.publicKey) }

    /// The fewest characters of a secret.
    package static let secretLengthMin = 24

    /// - Parameter secret: At least ``secretLengthMin`` characters that nobody can guess.
    package init(secret: String) {
        self.secret = secret
        key = SigningKey(farmSecret: secret)
    }

    /// The identity of a home: the secret that the operator gave, or the one in the file, which is made at
    /// the first start.
    /// - Parameter file: Readable by its owner alone.
    /// - Throws: ``FarmIdentityError``.
    package static func load(given: String?, file: String) throws(FarmIdentityError) -> FarmIdentity {
        if let given {
            guard given.utf8.count >= secretLengthMin else { throw .tooShort(characters: given.utf8.count) }
            return FarmIdentity(secret: given)
        }
        if let data = FileManager.default.contents(atPath: file) {
            let kept = String(decoding: data, as: UTF8.self).filter { !$0.isWhitespace }
            guard kept.utf8.count >= secretLengthMin else { throw .file(file, "holds no secret") }
            return FarmIdentity(secret: kept)
        }
        var generator = SystemRandomNumberGenerator()
        let made = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }.base64URL
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(file, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        let bytes = Array("\(made)\n".utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw .file(file, String(cString: strerror(errno)))
        }
        return FarmIdentity(secret: made)
    }
}

/// Why a mirror has no identity.
package enum FarmIdentityError: Error, CustomStringConvertible {
    /// The operator's secret can be guessed.
    case tooShort(characters: Int)
    /// The file cannot be read or made.
    case file(String, String)

    package var description: String {
        switch self {
        case .tooShort(let characters):
            "plugin.mirroring.farm.secret has \(characters) characters. Give at least "
                + "\(FarmIdentity.secretLengthMin) that nobody can guess, the same on every node of the farm."
        case .file(let path, let problem):
            "the farm's secret in \(path) cannot be used: \(problem). Restore the file from another node of "
                + "the farm; without it the mirror becomes another one and must be accepted anew."
        }
    }
}
