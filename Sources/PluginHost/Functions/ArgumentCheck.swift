import LuaRuntime
import Portable

/// The check of a call's arguments, made from the declared parameters.
struct ArgumentCheck: Sendable {
    /// The full name, such as `perigee.kv.get`.
    let path: String
    let parameters: [HostParameter]

    /// Positions that take a function, from 0.
    private var functionPositions: [Int] {
        parameters.indices.filter { if case .function = parameters[$0].type { true } else { false } }
    }

    /// - Returns: One value per parameter, and the functions among them by position from 0.
    /// - Throws: ``HostFailure`` of kind `.misuse`:
    ///   `bad argument #2 'key' to 'perigee.kv.get' (string expected, got table)`.
    func checked(
        _ arguments: LuaArguments
    ) throws -> Checked {
        var values: [PortableValue] = []
        var callbacks: [Int: PluginCallback] = [:]
        var optionCallbacks: [String: PluginCallback] = [:]
        values.reserveCapacity(parameters.count)
        for (index, parameter) in parameters.enumerated() {
            let value = arguments[index]
            let function = arguments.functions.isEmpty ? nil : arguments.function(index)
            if let function { callbacks[index] = PluginCallback(reference: function) }
            values.append(value)
            if value.isNull, function == nil {
                if parameter.isOptional || parameter.type == .value { continue }
                let got = index < arguments.count ? "nil" : "no value"
                throw failure(index, "\(Self.expectation(parameter.type)) expected, got \(got)")
            }
            let inside = functions(in: index, arguments)
            let problem = Self.problem(
                value, parameter.type, isFunction: function != nil, isProse: parameter.isProse,
                functions: Set(inside.keys))
            if let problem { throw failure(index, problem) }
            for (field, function) in inside {
                optionCallbacks["\(index + 1).\(field)"] = PluginCallback(reference: function)
            }
        }
        try refuseStrayFunctions(arguments)
        return Checked(values: values, callbacks: callbacks, optionCallbacks: optionCallbacks)
    }

    /// Arguments as a body gets them.
    struct Checked {
        /// One value per parameter.
        let values: [PortableValue]
        /// Functions by position, from 0.
        let callbacks: [Int: PluginCallback]
        /// Functions in options tables by place, such as `2.process`.
        let optionCallbacks: [String: PluginCallback]
    }

    /// Functions in fields of an options table that take one, by field.
    private func functions(in index: Int, _ arguments: LuaArguments) -> [String: LuaFunctionReference] {
        guard !arguments.functions.isEmpty else { return [:] }
        var found: [String: LuaFunctionReference] = [:]
        for field in functionFields(index) { found[field] = arguments.functions["\(index + 1).\(field)"] }
        return found
    }

    private func functionFields(_ index: Int) -> [String] {
        guard case .options(_, let fields) = parameters[index].type else { return [] }
        return fields.compactMap { if case .function = $0.type { $0.name } else { nil } }
    }

    /// A function inside a table, where nothing takes one, would be lost without a word.
    private func refuseStrayFunctions(_ arguments: LuaArguments) throws {
        guard !arguments.functions.isEmpty else { return }
        let inside = parameters.indices.flatMap { index in
            functionFields(index).map { "\(index + 1).\($0)" }
        }
        let taken = Set(functionPositions.map { "\($0 + 1)" } + inside)
        guard let place = arguments.functions.keys.sorted().first(where: { !taken.contains($0) }) else {
            return
        }
        let words = place.split(separator: ".").map(String.init)
        let index = (words.first.flatMap { Int($0) } ?? 1) - 1
        let rest = words.dropFirst().joined(separator: ".")
        throw failure(
            index, rest.isEmpty ? "a function cannot be stored" : "\(rest): a function cannot be stored")
    }

    private func failure(_ index: Int, _ problem: String) -> HostFailure {
        let name = parameters.indices.contains(index) ? " '\(parameters[index].name)'" : ""
        return .misuse("bad argument #\(index + 1)\(name) to '\(path)' (\(problem))")
    }

    private static func problem(
        _ value: PortableValue, _ type: HostType, isFunction: Bool, isProse: Bool = false,
        functions: Set<String> = []
    ) -> String? {
        var expected: String {
            "\(expectation(type)) expected, got \(isFunction ? "function" : luaKind(value))"
        }
        switch (type, value) {
        case (.function, _): return isFunction ? nil : expected
        case (_, _) where isFunction: return expected
        case (.string, .string(let text)), (.key, .string(let text)), (.choice, .string(let text)):
            // It may be compared with others.
            if !isProse, !text.isStreamSafe { return "the text has \(StreamSafe.problem)" }
            guard case .choice(let words) = type else { return nil }
            return choiceProblem(text, words)
        case (.value, _), (.boolean, .bool), (.number, .integer), (.number, .double): return nil
        case (.integer, .integer), (.key, .integer): return nil
        case (.integer, .double(let number)), (.key, .double(let number)):
            return Int64(exactly: number) == nil ? "number has no integer representation" : nil
        case (.string, .bytes), (.key, .bytes): return "text expected, got a string that is not UTF-8"
        case (.table, .map), (.table, .list), (.record, .map): return nil
        case (.list(let element), .list(let items)): return listProblem(items, element)
        case (.list, .map(let map)) where map.isEmpty: return nil
        case (.options(_, let fields), .map(let map)): return optionsProblem(map, fields, functions)
        case (.repository, .integer): return nil
        case (.repository, .map(let map)) where map["id"]?.integerValue != nil: return nil
        default: return expected
        }
    }

    private static func choiceProblem(_ word: String, _ words: [String]) -> String? {
        if words.contains(word) { return nil }
        let hint = Nearest.match(word, among: words).map { "did you mean '\($0)'?" }
        return "invalid option '\(word.prefix(60))'; \(hint ?? "known are \(words.joined(separator: ", "))")"
    }

    private static func listProblem(_ items: [PortableValue], _ element: HostType) -> String? {
        for (index, item) in items.enumerated() {
            if let problem = problem(item, element, isFunction: false) { return "[\(index + 1)]: \(problem)" }
        }
        return nil
    }

    private static func optionsProblem(
        _ map: [String: PortableValue], _ fields: [HostField], _ functions: Set<String>
    ) -> String? {
        for (key, value) in map.sorted(by: { $0.key < $1.key }) {
            guard let field = fields.first(where: { $0.name == key }) else {
                let names = fields.map(\.name)
                let hint = Nearest.match(key, among: names).map { "did you mean '\($0)'?" }
                let known = "known are \(names.joined(separator: ", "))"
                return "unknown option '\(key.prefix(60))'; \(hint ?? known)"
            }
            if let problem = problem(value, field.type, isFunction: functions.contains(key)) {
                return "\(key): \(problem)"
            }
        }
        if let missing = fields.first(where: { !$0.isOptional && map[$0.name] == nil }) {
            return "\(missing.name): \(expectation(missing.type)) expected, got nil"
        }
        return nil
    }

    private static func expectation(_ type: HostType) -> String {
        switch type {
        case .boolean: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .string, .choice: "string"
        case .key: "string or integer"
        case .value: "value"
        case .table, .record, .options: "table"
        case .list: "list"
        case .function: "function"
        case .object: "object"
        case .repository: "repository id"
        }
    }

    private static func luaKind(_ value: PortableValue) -> String {
        switch value {
        case .null: "nil"
        case .bool: "boolean"
        case .integer, .double: "number"
        case .string, .bytes: "string"
        case .list, .map: "table"
        }
    }
}
