import GitStore
import HTTPServing
import HTTPTypes
import Hosting
import Hummingbird
import Mirroring
import NIOCore
import Portable

/// What the nodes of mirrors ask of their upstream: what is new, what there is, and objects. Perigee's own.
struct MirrorLinkRoutes {
    let mirroring: Mirroring

    func add(to group: RouterGroup<ServingContext>) {
        let server = "mirrorServers/:mirrorId"
        group.answer(.post, RouterPath(server + "/link"), link)
        group.answer(.post, RouterPath(server + "/reports"), report)
        group.answer(.post, RouterPath(server + "/caughtUp"), caughtUp)
        group.answer(.get, RouterPath(server + "/catalogue")) { request in
            let asked = try await mirroring.admit(request, as: request.mirrorID())
            let repository = try request.query.wholeNumber("repository", minimum: 0).map {
                RepositoryID(Int64($0))
            }
            let catalogue = try await mirroring.catalogue.catalogue(
                for: asked.caller.mirror, repository: repository)
            return try .json(catalogue.portable)
        }
        group.answer(.get, RouterPath(server + "/ssh")) { request in
            _ = try await mirroring.admit(request, as: request.mirrorID())
            return try .json(try mirroring.sshFacts())
        }
        let repository = server + "/repos/:repositoryId"
        group.answer(.get, RouterPath(repository + "/refs")) { request in
            let asked = try await mirroring.admit(request, as: request.mirrorID())
            let repository = try await mirroring.catalogue.repository(
                request.repositoryID(), for: asked.caller.mirror)
            let refs = try await mirroring.catalogue.refs(
                of: repository, pullRequests: request.query.flag("pullRequests") ?? false)
            return try .json([
                "digest": .string(refs.digest),
                "refs": .map(
                    Dictionary(
                        refs.refs.map { ($0.key.full, .string($0.value.hex)) }, uniquingKeysWith: { $1 })),
            ])
        }
        group.answer(.post, RouterPath(repository + "/pack"), pack)
    }

    private func link(_ request: RESTRequest) async throws -> Answer {
        let asked = try await mirroring.admit(request, as: request.mirrorID())
        let body = BodyFields(asked.body.mapValue ?? [:])
        guard let state = try MirrorNodeState(rawValue: body.requiredText("state")) else {
            throw RequestError.badRequest("state", "\"state\" is no state of a mirror's node.")
        }
        var question = MirrorLinks.Question(
            cursor: try body.integer("cursor"), state: state, name: try body.requiredText("name"),
            address: try body.requiredText("address"), version: try body.requiredText("version"),
            catalogue: try body.text("catalogue"), rights: try body.text("rights"))
        question.facts = try facts(body.object("facts"))
        let reply = try await mirroring.links.ask(
            question, by: asked.caller, wait: MirrorLinks.waitMax)
        return try .json([
            "cursor": .integer(reply.cursor), "work": .list(mirroring.packs.alongWork(of: reply)),
            "behind": .bool(reply.isBehind), "catalogue": .string(reply.catalogue),
            "rights": .string(reply.rights), "nodes": .list(reply.nodes.map(\.portable)),
        ])
    }

    private func facts(_ fields: BodyFields?) throws -> MirrorLinks.NodeFacts {
        var facts = MirrorLinks.NodeFacts()
        guard let fields else { return facts }
        func ids(_ name: String) throws -> IDList? {
            guard let text = try fields.text(name) else { return nil }
            guard let ids = IDList(text) else {
                throw RequestError.badRequest("facts.\(name)", "\"facts.\(name)\" is no list of ids.")
            }
            return ids
        }
        facts.sshURL = try fields.text("ssh").flatMap { url in
            url.hasPrefix("ssh://") && url.utf8.count <= 1000 ? url : nil
        }
        facts.waiting = max(0, try fields.integer("waiting") ?? 0)
        facts.behindMilliseconds = max(0, try fields.integer("behind") ?? 0)
        facts.copies = try ids("copies")
        facts.failing = try ids("failing")
        return facts
    }

    private func report(_ request: RESTRequest) async throws -> Answer {
        let asked = try await mirroring.admit(request, as: request.mirrorID())
        let reports = try (asked.body["reports"]?.listValue ?? []).map { entry in
            let fields = BodyFields(entry.mapValue ?? [:])
            guard let repository = try fields.integer("repository") else {
                throw RequestError.badRequest("repository", "A report names no repository.")
            }
            let phase = try fields.text("phase").map { text in
                guard let phase = MirrorWork.Phase(rawValue: text) else {
                    throw RequestError.badRequest("phase", "\"phase\" is neither prepare nor publish.")
                }
                return phase
            }
            return MirrorLinks.Report(
                repository: RepositoryID(repository), generation: try fields.integer("generation"),
                phase: phase, error: try fields.text("error"))
        }
        try await mirroring.links.report(reports, by: asked.caller)
        return .noContent
    }

    private func caughtUp(_ request: RESTRequest) async throws -> Answer {
        let asked = try await mirroring.admit(request, as: request.mirrorID())
        guard let date = asked.body["date"]?.integerValue, let list = asked.body["repositories"]?.listValue,
            list.count <= Mirroring.caughtUpMax
        else {
            throw RequestError.badRequest(
                nil, "A date and a list of at most \(Mirroring.caughtUpMax) repositories are expected.")
        }
        let ids = try list.map { entry in
            guard let id = entry.integerValue else {
                throw RequestError.badRequest("repositories", "\"repositories\" holds what is no id.")
            }
            return RepositoryID(id)
        }
        try await mirroring.noteCaughtUp(asked.caller, date: date, ids)
        return .noContent
    }

    /// The pack begins only once all that is wanted is known to be there.
    private func pack(_ request: RESTRequest) async throws -> Answer {
        let asked = try await mirroring.admit(request, as: request.mirrorID())
        let repository = try await mirroring.catalogue.repository(
            request.repositoryID(), for: asked.caller.mirror)
        let wants = try objects("wants", asked.body)
        let haves = try objects("haves", asked.body)
        guard !wants.isEmpty else { throw RequestError.badRequest("wants", "\"wants\" is empty.") }
        let packs = mirroring.packs
        try await packs.require(wants, of: repository)
        var headers: HTTPFields = [.contentType: "application/x-git-packed-objects"]
        if asked.body["complete"]?.boolValue != true,
            let pack = packs.pushed(wants: wants, haves: haves, of: repository)
        {
            if let name = HTTPField.Name(MirrorPacks.sourceHeader) { headers[name] = "pushed" }
            return Answer(status: .ok, headers: headers, body: ResponseBody(byteBuffer: pack))
        }
        let body = ResponseBody { writer in
            var hasBegun = false
            do {
                try await packs.write(wants: wants, haves: haves, of: repository) { part in
                    hasBegun = true
                    try await writer.write(part)
                }
            } catch let failure as PackFailure where !hasBegun {
                // Else the mirror could not tell it from a line that broke.
                try await writer.write(failure.pack)
            }
            try await writer.finish(nil)
        }
        return Answer(status: .ok, headers: headers, body: body)
    }

    private func objects(_ name: String, _ body: PortableValue) throws -> [ObjectID] {
        guard let list = body[name]?.listValue else {
            throw RequestError.badRequest(name, "\"\(name)\" is missing. Give a list of hashes.")
        }
        return try list.map { entry in
            guard let id = entry.stringValue.flatMap({ ObjectID($0) }) else {
                throw RequestError.badRequest(name, "\"\(name)\" holds what is no hash.")
            }
            return id
        }
    }
}

extension RESTRequest {
    /// The repository's number in the path.
    func repositoryID() throws -> RepositoryID {
        guard let id = Int64(try path("repositoryId")) else {
            throw RequestError.notFound("The id of a repository is a number.")
        }
        return RepositoryID(id)
    }
}
