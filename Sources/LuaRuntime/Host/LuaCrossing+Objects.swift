import CLuaHost
import Portable

extension LuaCrossing {
    /// The type of the extension that carries an object; see CLuaHost.h.
    private static let objectType: UInt8 = 2

    /// A list of arguments that begins with an object, if there is one.
    func list(_ object: LuaObject?, _ values: [PortableValue]) throws -> [UInt8] {
        guard let object else { return try list(values) }
        var bytes = [UInt8]()
        append(count: values.count + 1, to: &bytes)
        try append(object, to: &bytes)
        for value in values { bytes += try MessagePack.encode(value, limits: limits) }
        return bytes
    }

    /// The answer of a function that gives an object.
    func object(_ object: LuaObject) throws -> LuaReply {
        LuaReply(status: CLH_VALUES, bytes: try list(object, []))
    }

    /// The answer to entering a bracket: its token, the arguments, and the function unless it is an argument.
    func entering(
        _ bracket: LuaBracket, token: Int64, function: LuaFunctionReference?
    ) throws -> LuaReply {
        var bytes = [UInt8]()
        append(count: function == nil ? 2 : 3, to: &bytes)
        bytes += try MessagePack.encode(.integer(token))
        bytes += try list(bracket.object, bracket.arguments)
        if let function { bytes += try MessagePack.encode(.integer(Int64(function.id))) }
        return LuaReply(status: CLH_VALUES, bytes: bytes)
    }

    private func append(_ object: LuaObject, to bytes: inout [UInt8]) throws {
        guard let number = classes[object.className] else {
            throw LuaHostError.misuse("there is no class \(object.className)")
        }
        let fields = try MessagePack.encode(
            object.fields.isEmpty ? .null : .map(object.fields), limits: limits)
        bytes.append(0xc9)
        append(UInt32(clamping: 12 + fields.count), to: &bytes)
        bytes.append(Self.objectType)
        append(number, to: &bytes)
        append(UInt64(bitPattern: object.id), to: &bytes)
        bytes += fields
    }

    private func append(count: Int, to bytes: inout [UInt8]) {
        bytes.append(0xdd)
        append(UInt32(clamping: count), to: &bytes)
    }

    private func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
    }
}
