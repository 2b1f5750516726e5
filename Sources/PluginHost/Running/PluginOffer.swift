/// Something that a plugin registered with a service of the host's while its main chunk ran: a job, an
/// executor, a subscription. It begins when the state serves, and ends when it no longer does.
struct PluginOffer: Sendable {
    /// What it is, for `perigee plugin show`: `executors.define reports`.
    let text: String
    /// Begins it, and gives what ends it.
    let begin: @Sendable () async throws -> @Sendable () async -> Void
}

/// The offers of one state that have begun.
actor PluginOffers {
    private var ends: [@Sendable () async -> Void] = []

    /// Begins all, in order; when one fails, those before it are ended again.
    /// - Throws: ``PackageProblem`` that names the offer.
    func begin(_ offers: [PluginOffer]) async throws(PackageProblem) {
        for offer in offers {
            do {
                ends.append(try await offer.begin())
            } catch {
                await end()
                throw PackageProblem(text: "\(offer.text): \(error)")
            }
        }
    }

    /// Ends all, the last one first. Ending again does nothing.
    func end() async {
        while let end = ends.popLast() { await end() }
    }
}
