import GitStore
package import Hosting
package import PluginHost
import Portable

/// Lets plugins judge every change of refs.
package struct HostAPIPushGuard: PushGuard {
    private let plugins: PluginHost
    private let hosting: Hosting

    /// Changes that handlers see at one time; larger pushes are judged in parts.
    static let changesMax = 1_000

    /// - Parameter plugins: Asked in load order.
    package init(plugins: PluginHost, hosting: Hosting) {
        self.plugins = plugins
        self.hosting = hosting
    }

    /// Asks the plugins; those that do not judge pushes cost nothing.
    package func judge(_ push: ProposedPush) async -> PushVerdict {
        guard await plugins.judgesPushes else { return .accept }
        let context = PushCallContext(repository: push.repository.id, quarantine: push.quarantine)
        var start = 0
        while start < push.changes.count {
            let part = push.changes[start..<min(start + Self.changesMax, push.changes.count)]
            let payload = await payload(push, part)
            if case .refuse(_, let text) = await plugins.beforePush(payload, context: context) {
                return .refuse(text: text)
            }
            start += Self.changesMax
        }
        return .accept
    }

    private func payload(_ push: ProposedPush, _ changes: ArraySlice<RefChange>) async -> PortableValue {
        var list: [PortableValue] = []
        list.reserveCapacity(changes.count)
        for change in changes { list.append(table(change, isForced: await isForced(change, push))) }
        return .map(
            [
                "id": .string(push.id.rawValue), "repository": push.repository.luaTable,
                "user": push.principal.user?.luaTable ?? .null, "changes": .list(list),
                "push_options": .list(push.pushOptions.prefix(100).map { .string($0.cut(toBytes: 1_000)) }),
                "trigger": .string(push.trigger.rawValue),
            ].withoutNulls)
    }

    private func table(_ change: RefChange, isForced: Bool) -> PortableValue {
        [
            "ref": [
                "id": .string(change.ref.full), "displayId": .string(change.ref.display),
                "type": .string(change.ref.luaType),
            ],
            "refId": .string(change.ref.full), "fromHash": .string(change.from.hex),
            "toHash": .string(change.to.hex), "type": .string(change.kind.rawValue),
            "forced": .bool(isForced),
        ]
    }

    /// A branch loses commits, or a tag moves. What cannot be found out counts as forced.
    private func isForced(_ change: RefChange, _ push: ProposedPush) async -> Bool {
        guard change.kind == .update else { return false }
        guard !change.ref.isTag else { return true }
        let path = hosting.layout.repository(push.repository.id)
        let isAncestor = try? await hosting.git.isAncestor(
            change.from, of: change.to, in: path, quarantine: push.quarantine)
        return isAncestor != true
    }
}
