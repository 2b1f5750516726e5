import CLuaHost
import Portable

/// Plain data to and from the bytes that cross into Lua, within a state's limits.
struct LuaCrossing: Sendable {
    let limits: PortableLimits
    let generation: UInt32
    /// Numbers of the classes of objects, by name.
    let classes: [String: UInt32]

    init(_ limits: LuaLimits, generation: UInt32, classes: [LuaClass] = []) {
        let numbered = classes.enumerated().map { ($0.element.name, UInt32(clamping: $0.offset)) }
        self.classes = Dictionary(numbered) { first, _ in first }

        // The arguments themselves are one list more.
        self.limits = PortableLimits(
            depthMax: limits.depthMax + 2,
            bytesMax: max(limits.valueBytesMax, limits.argumentBytesMax) + 16)
        self.generation = generation
    }

    /// Reads the arguments of a host call.
    func arguments(_ bytes: UnsafeRawBufferPointer) throws(PortableError) -> LuaArguments {
        if let values = try plain(bytes) { return LuaArguments(values: values) }
        var functions: [String: LuaFunctionReference] = [:]
        let value = try MessagePack.decode(bytes, limits: limits) {
            type, body, path throws(PortableError) in
            guard type == 1, body.count == 8 else {
                throw .unsupported(path: path, reason: "extension type \(type)")
            }
            let id = body.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
            let generation = body.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
            functions[path] = LuaFunctionReference(id: Int32(bitPattern: id), generation: generation)
            return .null
        }
        return LuaArguments(values: value.listValue ?? [], functions: functions)
    }

    /// The arguments when no functions are among them, as is usual: then no paths need to be kept. Nil for
    /// what the general way has to look at.
    private func plain(_ bytes: UnsafeRawBufferPointer) throws(PortableError) -> [PortableValue]? {
        guard bytes.count <= limits.bytesMax else { return nil }
        var reader = MessagePackReader(bytes)
        let count = try reader.readListCount()
        guard let values = try plainItems(count, &reader, depthLeft: limits.depthMax) else { return nil }
        return reader.isAtEnd ? values : nil
    }

    private func plainItems(
        _ count: Int, _ reader: inout MessagePackReader, depthLeft: Int
    ) throws(PortableError) -> [PortableValue]? {
        var values: [PortableValue] = []
        values.reserveCapacity(min(count, 256))
        for _ in 0..<count {
            guard let value = try plainValue(&reader, depthLeft: depthLeft) else { return nil }
            values.append(value)
        }
        return values
    }

    private func plainValue(
        _ reader: inout MessagePackReader, depthLeft: Int
    ) throws(PortableError) -> PortableValue? {
        guard depthLeft > 0 else { return nil }
        switch try reader.next() {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .double(let value): return .double(value)
        case .string(let bytes):
            return Self.text(bytes).map(PortableValue.string) ?? .bytes(Array(bytes))
        case .bytes(let bytes): return .bytes(Array(bytes))
        case .list(let count):
            return try plainItems(count, &reader, depthLeft: depthLeft - 1).map(PortableValue.list)
        case .map(let count): return try plainMap(count, &reader, depthLeft: depthLeft)
        case .extension: return nil
        }
    }

    private func plainMap(
        _ count: Int, _ reader: inout MessagePackReader, depthLeft: Int
    ) throws(PortableError) -> PortableValue? {
        var fields = [String: PortableValue](minimumCapacity: min(count, 256))
        for _ in 0..<count {
            guard case .string(let bytes) = try reader.next(),
                let name = Self.text(bytes), name.isStreamSafe,
                let value = try plainValue(&reader, depthLeft: depthLeft - 1)
            else { return nil }
            fields[name] = value
        }
        return fields.count == count ? .map(fields) : nil
    }

    /// Nil for what is no text. The check of any bytes costs more than the rest of a small value, so that it
    /// is left out where there is nothing to check.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        bytes.isASCII ? String(lent: bytes) : String(validating: bytes, as: UTF8.self)
    }

    /// The results of a run.
    func results(_ bytes: UnsafeRawBufferPointer) throws(PortableError) -> [PortableValue] {
        bytes.isEmpty ? [] : try MessagePack.decode(bytes, limits: limits).listValue ?? []
    }

    /// A list of arguments or results.
    func list(_ values: [PortableValue]) throws(PortableError) -> [UInt8] {
        var writer = MessagePackWriter(capacity: 64)
        writer.writeList(count: values.count)
        for value in values { try writer.write(value, limits: limits) }
        return writer.bytes
    }

    /// A page, its cursor wrapped so that it comes back as it is.
    func page(_ page: LuaPage) throws(PortableError) -> [UInt8] {
        var writer = MessagePackWriter()
        writer.writeList(count: 3)
        try writer.write(.list(page.items), limits: limits)
        if let next = page.next {
            writer.writeBytes(try MessagePack.encode(next, limits: limits))
        } else {
            writer.writeNull()
        }
        writer.write(page.itemsAreTuples)
        return writer.bytes
    }

    /// How a host function's failure is told to Lua.
    func failure(_ error: any Error, of path: String) -> LuaReply {
        guard let error = error as? LuaHostError else {
            let text = error is CancellationError ? "the call was cancelled" : "\(error)"
            return LuaReply(status: CLH_MISUSE, bytes: Array("\(path): \(text)".utf8))
        }
        switch error.kind {
        case .misuse:
            return LuaReply(status: CLH_MISUSE, bytes: Array(error.message.utf8))
        case .outcome(let code):
            var writer = MessagePackWriter()
            writer.writeList(count: 2)
            writer.write(code)
            writer.write(error.message)
            return LuaReply(status: CLH_OUTCOME, bytes: writer.bytes)
        }
    }

    /// Runs a body and encodes what it gives or throws.
    func reply(of path: String, _ body: () throws -> [PortableValue]) -> LuaReply {
        do {
            return LuaReply(status: CLH_VALUES, bytes: try list(try body()))
        } catch {
            return failure(error, of: path)
        }
    }
}

extension String {
    /// From bytes that are not kept; what is no UTF-8 is replaced. A short text is made without the detour
    /// through the general initializer, which takes longer than the rest of a small call.
    @inline(__always)
    init(lent bytes: UnsafeRawBufferPointer) {
        if bytes.count <= 15 {
            self.init(unsafeUninitializedCapacity: bytes.count) { buffer in
                Self.copyShort(bytes, to: UnsafeMutableRawBufferPointer(buffer))
                return bytes.count
            }
        } else {
            self.init(decoding: bytes, as: UTF8.self)
        }
    }

    /// At most 15 bytes, in two steps that may overlap.
    @inline(__always)
    private static func copyShort(_ bytes: UnsafeRawBufferPointer, to: UnsafeMutableRawBufferPointer) {
        let count = bytes.count
        if count >= 8 {
            to.storeBytes(of: bytes.loadUnaligned(as: UInt64.self), as: UInt64.self)
            let last = bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            to.storeBytes(of: last, toByteOffset: count - 8, as: UInt64.self)
        } else {
            for index in 0..<count { to[index] = bytes[index] }
        }
    }
}
