internal import GitStore
internal import Portable

extension Services {
    /// What the server's own rules and then the guards say to a change of refs.
    ///
    /// Rights and state are looked at again: a push may take hours, and they may have gone meanwhile.
    func judge(_ push: ProposedPush) async -> PushVerdict {
        do {
            guard !push.changes.isEmpty else {
                return .refuse(text: "Nothing would change. Check what you push.")
            }
            try await pushes.requirePushable(push.repository, by: push.principal)
            for change in push.changes {
                if let text = RefRules.refusal(of: change.ref) { return .refuse(text: text) }
            }
            if let text = try await refusalOfDeletion(push) { return .refuse(text: text) }
        } catch let error as HostingError {
            return .refuse(text: error.message)
        } catch {
            return .refuse(text: "The server cannot judge the push now: \(error). Try again later.")
        }
        return await guards.judge(push)
    }

    /// The default branch stays: HEAD would name nothing, and a clone would be empty.
    private func refusalOfDeletion(_ push: ProposedPush) async throws -> String? {
        let deleted = push.changes.filter { $0.kind == .delete }
        guard !deleted.isEmpty else { return nil }
        let head = try await onDisk(push.repository) { git, path in try await git.head(in: path) }
        guard case .branch(let name, _) = head, deleted.contains(where: { $0.ref == name }) else {
            return nil
        }
        return
            "\(name.display) is the default branch and cannot be deleted. "
            + "Make another branch the default first."
    }
}
