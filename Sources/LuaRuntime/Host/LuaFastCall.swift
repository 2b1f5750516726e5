import CLuaHost
package import Portable

/// One call of a fast host function: what it was given, and where its results go. Allocates nothing.
///
/// Arguments and results are scalars and tables of scalars, at most 16 of each, and 256 values inside tables;
/// result texts share 4 KiB. Results that do not fit are raised as misuse. It cannot be copied, so nothing of
/// it outlives the call.
package struct LuaFastCall: ~Copyable {
    let record: UnsafeMutablePointer<clh_fast_call>
    /// Values written on the present level of tables.
    private var added = 0

    init(_ record: UnsafeMutablePointer<clh_fast_call>) {
        self.record = record
    }

    /// How many arguments were passed, trailing nils included.
    package var argumentCount: Int { Int(record.pointee.argument_count) }

    /// The run that calls.
    package var run: UInt64 { record.pointee.run }

    /// The id of the object whose method was called.
    package var receiver: Int64 { record.pointee.`self` }

    /// Whether the argument at `index`, counted from 0, is nil or was not passed.
    package func isNull(_ index: Int) -> Bool {
        argument(index, CLH_NIL) != nil || index >= argumentCount
    }

    /// A boolean argument.
    package func boolean(_ index: Int) -> Bool? {
        argument(index, CLH_BOOLEAN).map { $0.pointee.boolean != 0 }
    }

    /// An integer argument, or a float that is a whole number.
    package func integer(_ index: Int) -> Int64? {
        if let integer = argument(index, CLH_INTEGER) { return integer.pointee.integer }
        return argument(index, CLH_FLOAT).flatMap { Int64(exactly: $0.pointee.number) }
    }

    /// A number argument; finite.
    package func double(_ index: Int) -> Double? {
        if let double = argument(index, CLH_FLOAT) { return double.pointee.number }
        return argument(index, CLH_INTEGER).map { Double($0.pointee.integer) }
    }

    /// A string argument; bytes that are no UTF-8 are replaced.
    @inline(__always)
    package func text(_ index: Int) -> String? {
        lentText(index).map { String(lent: $0) }
    }

    /// The bytes of a string argument, lent to `body`.
    package func withText<Value>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> Value) -> Value? {
        argument(index, CLH_TEXT).map {
            body(UnsafeRawBufferPointer(start: $0.pointee.text, count: $0.pointee.length))
        }
    }

    /// The bytes of a string argument, valid until the call returns.
    @inline(__always)
    package func lentText(_ index: Int) -> UnsafeRawBufferPointer? {
        argument(index, CLH_TEXT).map {
            UnsafeRawBufferPointer(start: $0.pointee.text, count: $0.pointee.length)
        }
    }

    /// A table argument, lent to `body`: fields or items without parts. No other table reaches the function.
    package func withTable<Value>(_ index: Int, _ body: (borrowing LuaFastTable) -> Value) -> Value? {
        guard index >= 0, index < argumentCount, let arguments = record.pointee.arguments,
            let table = LuaFastTable(LuaFastScalar(arguments[index]))
        else { return nil }
        return body(table)
    }

    /// The same with what `body` finds out kept by itself: a result of any type costs more than the table.
    package func withTable(_ index: Int, _ body: (borrowing LuaFastTable) -> Void) {
        guard index >= 0, index < argumentCount, let arguments = record.pointee.arguments,
            let table = LuaFastTable(LuaFastScalar(arguments[index]))
        else { return }
        body(table)
    }

    /// Adds a nil to the results.
    package mutating func writeNull() {
        next()?.pointee.type = CLH_NIL
    }

    /// Adds a boolean.
    package mutating func write(_ value: Bool) {
        guard let place = next() else { return }
        place.pointee.type = CLH_BOOLEAN
        place.pointee.boolean = value ? 1 : 0
    }

    /// Adds an integer.
    package mutating func write(_ value: Int64) {
        guard let place = next() else { return }
        place.pointee.type = CLH_INTEGER
        place.pointee.integer = value
    }

    /// Adds a float.
    package mutating func write(_ value: Double) {
        guard let place = next() else { return }
        place.pointee.type = CLH_FLOAT
        place.pointee.number = value
    }

    /// Adds a string.
    @inline(__always)
    package mutating func write(_ value: String) {
        let isDone: Void? = value.utf8.withContiguousStorageIfAvailable {
            writeText(UnsafeRawBufferPointer($0))
        }
        if isDone != nil { return }
        var copy = value
        copy.withUTF8 { writeText(UnsafeRawBufferPointer($0)) }
    }

    /// Adds a string of any bytes, which are copied.
    @inline(__always)
    package mutating func writeText(_ bytes: UnsafeRawBufferPointer) {
        let used = record.pointee.byte_count
        guard let start = copy(bytes, at: used), let place = next() else {
            record.pointee.is_overflown = 1
            return
        }
        record.pointee.byte_count = used + bytes.count
        place.pointee.type = CLH_TEXT
        place.pointee.text = UnsafePointer(start)
        place.pointee.length = bytes.count
    }

    /// Adds a scalar as it came.
    package mutating func write(_ scalar: LuaFastScalar) {
        if scalar.withText({ writeText($0) }) != nil { return }
        next()?.pointee = scalar.value
    }

    /// Adds a table with named fields: `body` writes them, each by ``writeName(_:)`` and a value.
    package mutating func writeFields(_ body: (inout LuaFastCall) -> Void) {
        writeTable(CLH_MAP, valuesPerItem: 2, body)
    }

    /// Adds a list: `body` writes its items, which may be tables too.
    package mutating func writeItems(_ body: (inout LuaFastCall) -> Void) {
        writeTable(CLH_LIST, valuesPerItem: 1, body)
    }

    /// Adds the name of a field; its value must follow.
    package mutating func writeName(_ name: StaticString) {
        guard let place = next() else { return }
        place.pointee.type = CLH_NAME
        place.pointee.name = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    /// The argument at `index` as a plain value; nil for a table that is large or deep, a string that is no
    /// UTF-8, a function or an object.
    package func plain(_ index: Int) -> PortableValue? {
        guard index >= 0, index < argumentCount, let arguments = record.pointee.arguments else {
            return .null
        }
        return LuaFastScalar(arguments[index]).plain
    }

    /// Adds a value without parts, or a text that has room; false for any other, which is not added.
    package mutating func write(plain value: PortableValue) -> Bool {
        switch value {
        case .null: writeNull()
        case .bool(let flag): write(flag)
        case .integer(let number): write(number)
        case .double(let number) where number.isFinite: write(number)
        case .string(let text)
        where text.utf8.count <= record.pointee.byte_capacity - record.pointee.byte_count:
            write(text)
        default: return false
        }
        return true
    }

    /// Adds a value of any shape. False for one that is very deep, or large where there is a large one
    /// already: then what was written counts for nothing, and the call has to be passed.
    @inline(__always)
    package mutating func write(any value: PortableValue) -> Bool {
        write(plain: value) || writeWhole(value)
    }

    private mutating func writeWhole(_ value: PortableValue) -> Bool {
        let used = record.pointee.byte_count
        guard let bytes = record.pointee.bytes else { return false }
        var writer = LuaReplyWriter(
            UnsafeMutableRawBufferPointer(start: bytes + used, count: record.pointee.byte_capacity - used))
        writer.write(value, depthLeft: Self.depthMax)
        if writer.isOverflown {
            guard let encoded = try? MessagePack.encode(value) else { return false }
            encoded.withUnsafeBytes { writeEncoded($0) }
        } else {
            record.pointee.byte_count = used + writer.count
            writeEncoded(at: UnsafePointer(bytes + used), count: writer.count)
        }
        return record.pointee.is_overflown == 0
    }

    private static let depthMax = 16

    /// Adds a value of any shape and size, encoded as MessagePack; at most one in a call of more than 4 KiB.
    package mutating func writeEncoded(_ bytes: UnsafeRawBufferPointer) {
        guard let room = clh_fast_room(record, bytes.count) else {
            record.pointee.is_overflown = 1
            return
        }
        if let from = bytes.baseAddress {
            UnsafeMutableRawPointer(room).copyMemory(from: from, byteCount: bytes.count)
        }
        writeEncoded(at: UnsafePointer(room), count: bytes.count)
    }

    private mutating func writeEncoded(at start: UnsafePointer<UInt8>, count: Int) {
        guard let place = next() else { return }
        place.pointee.type = CLH_ENCODED
        place.pointee.text = start
        place.pointee.length = count
    }

    /// Ends an attempt without an answer: the function's other way is taken.
    package mutating func pass() {
        record.pointee.is_passed = 1
    }

    /// Makes the call raise at the caller's line instead of giving results; the message is cut to 4 KiB. The
    /// function must return next.
    package mutating func misuse(_ message: String) {
        var message = message
        record.pointee.byte_count = message.withUTF8 { text in
            let kept = UnsafeRawBufferPointer(
                UnsafeBufferPointer(rebasing: text.prefix(record.pointee.byte_capacity)))
            return copy(kept, at: 0) == nil ? 0 : kept.count
        }
        record.pointee.is_misuse = 1
        record.pointee.is_overflown = 0
    }

    /// The head's count is that of the values on its own level; `added` counts them.
    @inline(__always)
    private mutating func writeTable(
        _ type: clh_type, valuesPerItem: Int, _ body: (inout LuaFastCall) -> Void
    ) {
        guard let head = next() else { return }
        let before = added
        added = 0
        body(&self)
        head.pointee.type = type
        head.pointee.length = added / valuesPerItem
        added = before
    }

    /// Copies to the record's bytes, if they have room.
    @inline(__always)
    private func copy(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UnsafeMutablePointer<UInt8>? {
        guard let start = record.pointee.bytes, bytes.count <= record.pointee.byte_capacity - offset else {
            return nil
        }
        if let from = bytes.baseAddress {
            UnsafeMutableRawPointer(start + offset).copyMemory(from: from, byteCount: bytes.count)
        }
        return start + offset
    }

    @inline(__always)
    func argument(_ index: Int, _ type: clh_type) -> UnsafePointer<clh_scalar>? {
        guard index >= 0, index < argumentCount, let arguments = record.pointee.arguments,
            arguments[index].type == type
        else { return nil }
        return arguments + index
    }

    /// The place of the next result.
    @inline(__always)
    mutating func next() -> UnsafeMutablePointer<clh_scalar>? {
        let count = record.pointee.result_count
        guard count < record.pointee.result_capacity, let results = record.pointee.results else {
            record.pointee.is_overflown = 1
            return nil
        }
        record.pointee.result_count = count + 1
        added += 1
        return results + Int(count)
    }
}
