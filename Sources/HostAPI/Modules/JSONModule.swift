import PluginHost
import Portable

/// `perigee.json`: values as JSON text.
enum JSONModule {
    static func module() -> HostModule {
        HostModule(
            "json", summary: "Writes and reads JSON.",
            notes: """
                Lua has no null: `null` is read as `nil`, so such a field of an object is absent. An empty
                table is written as `{}`.
                """,
            records: [Records.error], functions: [encode, decode])
    }

    private static let encode = HostFunction(
        "encode", summary: "Writes a value as JSON, with sorted keys.",
        parameters: [
            HostParameter("value", .value, "Plain data without NaN or infinity."),
            HostParameter(
                "options",
                .options(
                    "JSONEncodeOptions",
                    [HostField("pretty", .boolean, "On several lines.", isOptional: true)]),
                "How.", isOptional: true),
        ],
        results: [HostResult("text", .string, "The JSON text.")],
        example: """
            local text = perigee.json.encode({ name = "app", branches = { "main" } })
            """,
        body: .json(.write) { call in
            do {
                let isPretty = call.options(1)["pretty"]?.boolValue ?? false
                return [.string(try JSON.text(call.value(0), pretty: isPretty))]
            } catch {
                throw HostFailure.misuse("bad argument #1 'value' to '\(call.function)' (\(error))")
            }
        })

    private static let decode = HostFunction(
        "decode", summary: "Reads JSON.",
        parameters: [HostParameter("text", .string, "The JSON text.", isProse: true)],
        results: [
            HostResult("value", .value, "What it says; `nil` when it is no JSON, or says `null`."),
            HostResult("err", .record("Error"), "`refused`, with what is wrong and where.", isOptional: true),
        ],
        example: """
            local value, err = perigee.json.decode('{"branches": 3}')
            if err then perigee.log.warn(err.message) end
            """,
        body: .json(.read) { call in
            do {
                return [try JSON.decode(call.string(0), allowsAnyText: true)]
            } catch {
                throw HostFailure.outcome(code: .refused, message: "\(error)")
            }
        })
}
