import Portable
import SharedDatabase

/// What administrators decided about plugins, in the database.
struct PluginSettingStore: Sendable {
    let database: SharedDatabase

    /// One row: `isEnabled` is `nil` where nobody decided.
    struct Decision: Sendable, Hashable {
        var isEnabled: Bool?
        var settings: PortableValue = .map([:])
    }

    /// Nothing decided when there is no row.
    func fetchDecision(plugin: String, scope: PluginScope) async throws -> Decision {
        try await database.lookUp { transaction in
            let row = try transaction.firstRow(
                "SELECT is_enabled, settings FROM plugin_setting WHERE plugin_id = ? AND scope = ?",
                [.text(plugin), .text(scope.description)])
            guard let row else { return Decision() }
            let text = try row.optionalText("settings")
            return Decision(
                isEnabled: try row.optionalInteger("is_enabled").map { $0 != 0 },
                settings: try text.map { try JSON.decode($0) } ?? .map([:]))
        }
    }

    /// The settings of the server, as written, by plugin.
    func fetchGlobalSettings() async throws -> [String: PortableValue] {
        try await database.lookUp { transaction in
            var found: [String: PortableValue] = [:]
            for row in try transaction.rows(
                "SELECT plugin_id, settings FROM plugin_setting WHERE scope = ?",
                [.text(PluginScope.global.description)])
            {
                guard let text = try row.optionalText("settings") else { continue }
                found[try row.text("plugin_id")] = try JSON.decode(text)
            }
            return found
        }
    }

    /// - Parameter settings: As written; `nil` goes back to the defaults.
    func putSettings(_ settings: [String: PortableValue]?, plugin: String, scope: PluginScope) async throws {
        let text = try settings.map { try JSON.text(.map($0)) }
        _ = try await database.write { transaction in
            try transaction.execute(
                """
                INSERT INTO plugin_setting (plugin_id, scope, settings, changed_at) VALUES (?, ?, ?, ?)
                ON CONFLICT (plugin_id, scope) DO UPDATE SET settings = excluded.settings,
                    changed_at = excluded.changed_at
                """,
                [.text(plugin), .text(scope.description), .optional(text), .integer(transaction.now())])
        }
    }

    func putEnabled(_ isEnabled: Bool, plugin: String, scope: PluginScope) async throws {
        _ = try await database.write { transaction in
            try transaction.execute(
                """
                INSERT INTO plugin_setting (plugin_id, scope, is_enabled, changed_at) VALUES (?, ?, ?, ?)
                ON CONFLICT (plugin_id, scope) DO UPDATE SET is_enabled = excluded.is_enabled,
                    changed_at = excluded.changed_at
                """,
                [
                    .text(plugin), .text(scope.description), .integer(isEnabled ? 1 : 0),
                    .integer(transaction.now()),
                ])
        }
    }

    /// Forgets what was decided for a scope that is gone.
    func remove(scope: PluginScope) async throws {
        _ = try await database.write { transaction in
            try transaction.execute("DELETE FROM plugin_setting WHERE scope = ?", [.text(scope.description)])
        }
    }
}
