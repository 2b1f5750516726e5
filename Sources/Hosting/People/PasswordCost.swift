/// How much work scrypt does for one password.
package struct PasswordCost: Sendable, Hashable {
    /// N, a power of two.
    package let rounds: Int
    /// r.
    package let blockSize: Int
    /// p.
    package let parallelism: Int

    /// 16 MiB and about 50 ms.
    package static let standard = PasswordCost(rounds: 16384, blockSize: 8, parallelism: 1)

    /// The parameters of scrypt.
    package init(rounds: Int, blockSize: Int, parallelism: Int) {
        self.rounds = rounds
        self.blockSize = blockSize
        self.parallelism = parallelism
    }
}
