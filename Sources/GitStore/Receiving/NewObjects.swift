import CGit2
import Portable

/// The objects of a quarantine by themselves, on one thread.
struct NewObjects: ~Copyable {
    private let handle: OpaquePointer

    init(_ quarantine: Quarantine) throws {
        handle = try Self.open(quarantine.path)
    }

    deinit { git_odb_free(handle) }

    private static func open(_ path: String) throws -> OpaquePointer {
        var objects: OpaquePointer?
        guard git_odb_new(&objects) == 0, let objects else { throw LibGit2.failure("open a quarantine") }
        var packs: OpaquePointer?
        guard git_odb_backend_pack(&packs, path) == 0, git_odb_add_backend(objects, packs, 1) == 0 else {
            let failure = LibGit2.failure("open the packs of a quarantine")
            git_odb_free(objects)
            throw failure
        }
        return objects
    }

    /// Whether git's fsck has certainly nothing to say of them, and each object that they refer to is what it
    /// must be, here or in the repository.
    /// - Parameter linksMax: What refers to more is left to git.
    func arePlain(in repository: borrowing OpenRepository, linksMax: Int) throws -> Bool {
        var types: [ObjectID: git_object_t] = [:]
        var links: [ObjectID: git_object_t] = [:]
        var attributes: Set<ObjectID> = []
        for id in try ids() {
            let plain = try Self.read(id, in: handle) { type, bytes in
                types[id] = type
                return PlainObject(type, bytes)
            }
            guard let plain else { return false }
            for link in plain.links {
                guard links.updateValue(link.type, forKey: link.id) ?? link.type == link.type else {
                    return false
                }
            }
            attributes.formUnion(plain.attributes)
            guard links.count <= linksMax else { return false }
        }
        for (id, type) in links {
            guard try types[id] ?? repository.header(id)?.type == type else { return false }
        }
        for id in attributes {
            let objects = types[id] == nil ? repository.objects : handle
            guard try Self.read(id, in: objects, { _, bytes in PlainObject.areAttributes(bytes) }) else {
                return false
            }
        }
        return true
    }

    private func ids() throws -> [ObjectID] {
        var ids: [ObjectID] = []
        let code = withUnsafeMutablePointer(to: &ids) { list in
            git_odb_foreach(
                handle,
                { id, list in
                    guard let id else { return 0 }
                    list?.assumingMemoryBound(to: [ObjectID].self).pointee.append(ObjectID(id.pointee))
                    return 0
                }, list)
        }
        try LibGit2.check(code, "list the objects of a quarantine")
        return ids
    }

    private static func read<R>(
        _ id: ObjectID, in objects: OpaquePointer,
        _ body: (git_object_t, UnsafeRawBufferPointer) -> R
    ) throws -> R {
        var oid = id.oid
        var object: OpaquePointer?
        try LibGit2.check(git_odb_read(&object, objects, &oid), "read object \(id)")
        defer { git_odb_object_free(object) }
        let bytes = UnsafeRawBufferPointer(
            start: git_odb_object_data(object), count: git_odb_object_size(object))
        return body(git_odb_object_type(object), bytes)
    }
}
