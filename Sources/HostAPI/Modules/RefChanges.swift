import ClusterServices
import GitStore
import Hosting
import PluginHost
import Portable

/// The functions of `perigee.refs` that change something.
enum RefChanges {
    static func functions(_ services: HostServices) -> [HostFunction] {
        [create(services), update(services), delete(services)]
    }

    private static let results = [
        HostResult("done", .boolean, "`true`; `nil` when nothing was changed.", isOptional: true),
        HostResult(
            "err", .record("Error"),
            "`conflict` when the ref is elsewhere, `fenced` when it comes too late, `refused` by a plugin or "
                + "a rule, `not_found`.",
            isOptional: true),
    ]
    private static let target = HostParameter(
        "target", .string, "A commit or tag object, 40 hexadecimal digits.")
    private static let repository = HostParameter("repository", .repository, "Where.")
    private static let name = HostParameter("name", .string, "The full name, `refs/heads/main`.")

    private static func options(_ function: String, _ fields: [HostField] = [expectedField]) -> HostParameter
    {
        HostParameter(
            "options", .options("Refs\(function)Options", fields + [fenceField]), "Under which condition.",
            isOptional: true)
    }

    private static let expectedField = HostField(
        "expected", .string, "What the ref's `object` must be now (default: whatever it is).",
        isOptional: true)
    private static let fenceField = HostField(
        "fence", .integer,
        "A lock's `guard.token` or a job's; `fenced` when a greater one has come with a change of this ref.",
        isOptional: true)

    private static func create(_ services: HostServices) -> HostFunction {
        HostFunction(
            "create", summary: "Makes a ref that is not there yet.",
            parameters: [repository, name, target, options("Create", [])],
            results: results, permission: .write("refs"),
            example: """
                local ok, err = perigee.refs.create(12, "refs/tags/nightly", ("1"):rep(40))
                if not ok then perigee.log.warn(err.message) end
                """,
            body: .waiting { call in
                let name = try RefsModule.name(call, 1)
                let target = try objectID(call, call.value(2), 2, "target")
                return try await apply(call, services, optionsAt: 3) { _, _ in
                    RefChange(ref: name, from: .zero, to: target)
                }
            })
    }

    private static func update(_ services: HostServices) -> HostFunction {
        HostFunction(
            "update", summary: "Moves a ref to another object, wherever that is in history.",
            parameters: [repository, name, target, options("Update")], results: results,
            permission: .write("refs"),
            example: """
                local main = perigee.refs.get(12, "refs/heads/main")
                if main then
                  perigee.refs.update(12, "refs/heads/stable", main.target)
                end
                """,
            body: .waiting { call in
                let name = try RefsModule.name(call, 1)
                let target = try objectID(call, call.value(2), 2, "target")
                return try await apply(call, services, optionsAt: 3) { git, path in
                    let current = try await expected(call, 3, name, git, path)
                    return RefChange(ref: name, from: current, to: target)
                }
            })
    }

    private static func delete(_ services: HostServices) -> HostFunction {
        HostFunction(
            "delete", summary: "Removes a ref.", parameters: [repository, name, options("Delete")],
            results: results, permission: .write("refs"),
            example: """
                local ok, err = perigee.refs.delete(12, "refs/tags/nightly")
                if not ok and err.code ~= "not_found" then perigee.log.warn(err.message) end
                """,
            body: .waiting { call in
                let name = try RefsModule.name(call, 1)
                return try await apply(call, services, optionsAt: 2) { git, path in
                    let current = try await expected(call, 2, name, git, path)
                    return RefChange(ref: name, from: current, to: .zero)
                }
            })
    }

    /// What the ref must name now: as the options say, else as it is.
    private static func expected(
        _ call: HostCall, _ index: Int, _ name: RefName, _ git: GitStore, _ path: String
    ) async throws -> ObjectID {
        if let text = call.options(index)["expected"] {
            return try objectID(call, text, index, "expected")
        }
        guard let current = try await git.ref(name, in: path) else {
            throw HostFailure.outcome(code: .notFound, message: "there is no ref \(name.full)")
        }
        return current.target
    }

    private static func objectID(
        _ call: HostCall, _ value: PortableValue, _ index: Int, _ name: String
    ) throws -> ObjectID {
        guard let id = value.stringValue.flatMap({ ObjectID($0) }), !id.isZero else {
            throw HostFailure.misuse(
                "bad argument #\(index + 1) '\(name)' to '\(call.function)' (40 hexadecimal digits expected)"
            )
        }
        return id
    }

    /// - Throws: ``HostFailure`` of kind `.misuse` while a push is judged: its refs are git's until it is
    ///   over.
    private static func apply(
        _ call: HostCall, _ services: HostServices, optionsAt index: Int,
        _ change: @Sendable (GitStore, String) async throws -> RefChange
    ) async throws -> [PortableValue] {
        guard !(call.callerContext is PushCallContext) else {
            throw HostFailure.misuse("\(call.function) cannot be called while a push is judged")
        }
        let repository = try await services.repository(call, 0)
        let change = try await services.onDisk(repository, change)
        var fences = TaskCallContext.fence(of: call).map { [$0] } ?? []
        if let token = call.options(index)["fence"]?.integerValue {
            fences.append(Refs.fence(change.ref, in: repository.id, scope: call.plugin.id, token: token))
        }
        do {
            try await services.require(\.hosting).refs.update(
                [change], in: repository, trigger: .plugin, by: .localOperator, fences: fences)
        } catch let error as HostingError {
            throw HostFailure.from(error)
        } catch let error as LockError {
            throw HostFailure.outcome(code: .fenced, message: "\(error)")
        }
        return [true]
    }
}
