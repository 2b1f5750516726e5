package import GitStore
internal import NIOCore
package import Portable

/// Commits, folders and files of a repository that the caller may read.
package struct Contents: Sendable {
    let services: Services

    /// The largest file that is shown as lines, in bytes.
    static let textBytesMax = 10 * 1024 * 1024
    /// The largest file that is read at once when its bytes are asked for.
    private static let wholeBytesMax = 256 * 1024

    /// The commit that a revision names: a full or short id, a branch, a tag, a full ref name.
    /// - Parameter revision: Nil or empty = the default branch.
    /// - Throws: ``HostingError/noSuchCommit(revision:)``, ``HostingError/noDefaultBranch(name:)``.
    package func resolve(_ revision: String?, in repository: Repository) async throws -> ObjectID {
        try await services.onDisk(repository) { git, path in
            if let revision, !revision.isEmpty {
                guard let commit = try await git.resolve(revision, in: path) else {
                    throw HostingError.noSuchCommit(revision: revision)
                }
                return commit
            }
            guard let commit = try await git.resolve("HEAD", in: path) else {
                guard case .branch(let name, _) = try await git.head(in: path) else {
                    throw HostingError.noDefaultBranch(name: "HEAD")
                }
                throw HostingError.noDefaultBranch(name: name.display)
            }
            return commit
        }
    }

    /// The commits that are reachable from `until` and not from `since`, newest first.
    /// - Parameter until: Nil = the default branch.
    /// - Parameter path: Only commits that change this file or folder.
    package func commits(
        in repository: Repository, until: String? = nil, since: String? = nil, path: String? = nil,
        merges: CommitQuery.Merges = .include, page: PageRequest
    ) async throws -> Page<CommitRecord> {
        var query = CommitQuery(until: try await resolve(until, in: repository), path: path, merges: merges)
        if let since, !since.isEmpty { query.since = try await resolve(since, in: repository) }
        query.offset = page.start
        query.limit = page.limit + 1
        return try await services.onDisk(repository) { [query] git, path in
            Page(overfetched: try await git.commits(in: path, query: query), request: page)
        }
    }

    /// One commit.
    /// - Throws: ``HostingError/noSuchCommit(revision:)``.
    package func commit(_ revision: String, in repository: Repository) async throws -> CommitRecord {
        let id = try await resolve(revision, in: repository)
        return try await services.onDisk(repository) { git, path in
            guard let commit = try await git.commit(id, in: path) else {
                throw HostingError.noSuchCommit(revision: revision)
            }
            return commit
        }
    }

    /// A folder's entries or a text file's lines.
    /// - Parameter path: Without a leading slash; empty = the top folder.
    /// - Parameter at: Nil = the default branch.
    /// - Parameter page: Counts entries of a folder, or lines of a file.
    /// - Throws: ``HostingError/noSuchPath(path:revision:)``.
    package func browse(
        _ path: String, at revision: String? = nil, in repository: Repository, page: PageRequest
    ) async throws -> BrowsedContent {
        let (commit, entry) = try await find(path, at: revision, in: repository)
        return try await services.onDisk(repository) { git, folder in
            switch entry.kind {
            case .submodule: return .submodule(entry.id)
            case .directory:
                let children = try await git.children(of: entry.id, in: folder)
                return .directory(
                    path: Self.trimmed(path), revision: revision ?? commit.hex,
                    entries: Page(of: children, request: page))
            case .file:
                if let size = entry.size, size > Int64(Self.textBytesMax) { return .binary(size: size) }
                let blob = try await git.blob(entry.id, in: folder, bytesMax: Self.textBytesMax)
                guard !blob.isBinary, blob.isComplete else { return .binary(size: blob.size) }
                return .text(lines: TextLines.page(of: blob.bytes, request: page), size: blob.size)
            }
        }
    }

    /// The kind of the thing at a path, without its contents.
    /// - Throws: ``HostingError/noSuchPath(path:revision:)``.
    package func entry(
        _ path: String, at revision: String? = nil, in repository: Repository
    ) async throws -> TreeEntry {
        try await find(path, at: revision, in: repository).1
    }

    /// Every file below a folder, as paths relative to it, in git's order.
    package func files(
        _ path: String, at revision: String? = nil, in repository: Repository, page: PageRequest
    ) async throws -> Page<String> {
        let (_, entry) = try await find(path, at: revision, in: repository)
        guard entry.kind == .directory else {
            return Page(of: [entry.name].filter { _ in entry.kind == .file }, request: page)
        }
        return try await services.onDisk(repository) { git, folder in
            var open: [(prefix: String, entries: ArraySlice<TreeEntry>)] = [
                ("", try await git.children(of: entry.id, in: folder)[...])
            ]
            var (found, passed): ([String], Int) = ([], 0)
            while var level = open.popLast(), found.count <= page.limit {
                guard let next = level.entries.popFirst() else { continue }
                open.append(level)
                if next.kind == .directory {
                    let children = try await git.children(of: next.id, in: folder)
                    open.append((level.prefix + next.name + "/", children[...]))
                } else if next.kind == .file {
                    passed += 1
                    if passed > page.start { found.append(level.prefix + next.name) }
                }
            }
            return Page(overfetched: found, request: page)
        }
    }

    /// A file's bytes, of any size, as a stream.
    /// - Throws: ``HostingError/noSuchPath(path:revision:)``.
    package func raw(
        _ path: String, at revision: String? = nil, in repository: Repository
    ) async throws -> RawFile {
        let (_, entry) = try await find(path, at: revision, in: repository)
        guard entry.kind == .file else {
            throw HostingError.noSuchPath(path: path, revision: revision ?? "the default branch")
        }
        return try await services.onDisk(repository) { git, folder in
            let blob = try await git.blob(entry.id, in: folder, bytesMax: Self.wholeBytesMax)
            let chunks =
                blob.isComplete
                ? Self.chunk(blob.bytes) : Self.chunks(try git.blobStream(entry.id, in: folder))
            return RawFile(
                id: entry.id, size: blob.size, head: Array(blob.bytes.prefix(8000)), isBinary: blob.isBinary,
                chunks: chunks)
        }
    }

    private func find(
        _ path: String, at revision: String?, in repository: Repository
    ) async throws -> (commit: ObjectID, entry: TreeEntry) {
        let commit = try await resolve(revision, in: repository)
        let entry = try await services.onDisk(repository) { git, folder in
            try await git.entry(at: Self.trimmed(path), commit: commit, in: folder)
        }
        guard let entry else { throw HostingError.noSuchPath(path: path, revision: revision ?? commit.hex) }
        return (commit, entry)
    }

    private static func trimmed(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: true).joined(separator: "/")
    }

    private static func chunk(_ bytes: [UInt8]) -> AsyncThrowingStream<ByteBuffer, any Error> {
        AsyncThrowingStream { continuation in
            if !bytes.isEmpty { continuation.yield(ByteBuffer(bytes: bytes)) }
            continuation.finish()
        }
    }

    /// A process's output; the process ends when nobody holds the stream any more.
    private static func chunks(_ process: GitProcess) -> AsyncThrowingStream<ByteBuffer, any Error> {
        process.finishInput()
        let reader = ProcessReader(process: process)
        return AsyncThrowingStream { try await reader.next() }
    }
}

/// Reads a process's output portion by portion, and insists that the process ends well.
private actor ProcessReader {
    private let process: GitProcess
    private var output: ProcessOutput.AsyncIterator

    init(process: GitProcess) {
        self.process = process
        output = process.output.makeAsyncIterator()
    }

    func next() async throws -> ByteBuffer? {
        if let portion = try await portion() { return portion }
        let status = await process.waitForExit()
        guard status.isSuccess else { throw HostingError(process.failure(status)) }
        return nil
    }

    private func portion() async throws -> ByteBuffer? {
        var iterator = output
        defer { output = iterator }
        return try await iterator.next()
    }
}
