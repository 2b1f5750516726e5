internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials

/// A password as it is stored: `scrypt$n$r$p$salt$hash`, salt and hash in base64.
struct PasswordHash: Sendable, Hashable {
    let cost: PasswordCost
    let salt: [UInt8]
    let hash: [UInt8]

    private static let saltBytes = 16
    private static let hashBytes = 32

    /// Hashes a password with a new salt; blocks for as long as `cost` demands.
    init(password: String, cost: PasswordCost) throws(HostingError) {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<Self.saltBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        self.cost = cost
        self.salt = salt
        hash = try Self.derive(password, cost: cost, salt: salt)
    }

    /// Reads the stored text; nil when it is something else, or would cost more than this program ever
    /// writes.
    init?(stored: String) {
        let parts = stored.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]),
            let blockSize = Int(parts[2]),
            let parallelism = Int(parts[3]), let salt = Data(base64Encoded: parts[4]),
            let hash = Data(base64Encoded: parts[5]), (2...1 << 20).contains(rounds),
            (1...32).contains(blockSize),
            (1...16).contains(parallelism), rounds.nonzeroBitCount == 1, hash.count == Self.hashBytes
        else { return nil }
        cost = PasswordCost(rounds: rounds, blockSize: blockSize, parallelism: parallelism)
        self.salt = [UInt8](salt)
        self.hash = [UInt8](hash)
    }

    /// The text to store.
    var stored: String {
        let base64 = (Data(salt).base64EncodedString(), Data(hash).base64EncodedString())
        return "scrypt$\(cost.rounds)$\(cost.blockSize)$\(cost.parallelism)$\(base64.0)$\(base64.1)"
    }

    /// Whether the password is the one that was hashed; blocks for as long as the cost demands.
    func matches(_ password: String) throws(HostingError) -> Bool {
        let other = try Self.derive(password, cost: cost, salt: salt)
        return SecretDigest.equal(other, hash)
    }

    private static func derive(
        _ password: String, cost: PasswordCost, salt: [UInt8]
    ) throws(HostingError) -> [UInt8] {
        do {
            let key = try KDF.Scrypt.deriveKey(
                from: Array(password.utf8), salt: salt, outputByteCount: hashBytes, rounds: cost.rounds,
                blockSize: cost.blockSize, parallelism: cost.parallelism)
            return key.withUnsafeBytes { [UInt8]($0) }
        } catch {
            throw .unavailable(reason: "the password could not be hashed (\(error))")
        }
    }
}
