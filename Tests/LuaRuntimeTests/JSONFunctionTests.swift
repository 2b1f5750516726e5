import LuaRuntime
import Portable
import Synchronization
import Testing

/// JSON in C, which leaves to Swift what is unusual, against Swift alone.
@Suite struct JSONFunctionTests {
    private static func encode(_ arguments: LuaArguments, _: LuaCallContext) throws -> [PortableValue] {
        do { return [.string(try JSON.text(arguments[0]))] } catch { throw LuaHostError.misuse("\(error)") }
    }

    private static func decode(_ arguments: LuaArguments, _: LuaCallContext) throws -> [PortableValue] {
        guard let text = arguments[0].stringValue else { throw LuaHostError.misuse("text expected") }
        do { return [try JSON.decode(text)] } catch { throw LuaHostError.outcome("refused", "\(error)") }
    }

    /// Counts the calls that Swift had nothing to do with.
    private static func functions(_ answered: Answered) -> [LuaHostFunction] {
        [
            LuaHostFunction(
                path: "json.encode", parameterNames: ["value"],
                kind: .json(.write, answered: { answered.add() }, otherwise: encode)),
            LuaHostFunction(
                path: "json.decode", parameterNames: ["text"],
                kind: .json(.read, answered: { answered.add() }, otherwise: decode)),
            LuaHostFunction(path: "ours.encode", parameterNames: ["value"], kind: .immediate(encode)),
            LuaHostFunction(path: "ours.decode", parameterNames: ["text"], kind: .immediate(decode)),
        ]
    }

    /// Calls both and compares results, errors, and the types of numbers.
    private static let comparison = """
        local function same(a, b)
          if type(a) == "table" and type(b) == "table" then
            for k, v in pairs(a) do if not same(v, b[k]) then return false end end
            for k in pairs(b) do if a[k] == nil then return false end end
            return #a == #b
          end
          return a == b and math.type(a) == math.type(b) and 1 / (tonumber(a) or 1) == 1 / (tonumber(b) or 1)
        end
        local function both(name, value)
          local a, b = table.pack(pcall(json[name], value)), table.pack(pcall(ours[name], value))
          if not b[1] then b[2] = b[2]:gsub("ours%.", "json.") end
          if a.n == b.n and same(a, b) then return a[2] end
          if not b[1] and b[2]:find("larger than", 1, true) then return a[2] end
          error(("%s(%q): %s, not %s"):format(
            name, (type(value) == "table" and ours.encode(value) or tostring(value)):sub(1, 300),
            tostring(a[2]):sub(1, 300), tostring(b[2]):sub(1, 300)))
        end

        """

    @Test(arguments: 1...4) func `generated values and texts give the same as in Swift`(
        seed: Int
    ) async throws {
        let answered = Answered()
        var limits = LuaLimits()
        limits.handlerCPU = .seconds(300)
        let results = try await TestState.run(
            Self.comparison + """
                math.randomseed(\(seed))
                local random = math.random
                local pieces = {"a", "b", "Z", "0", "_", " ", "/", '"', "\\\\", "\\0", "\\n", "\\t",
                  "\\r", "\\8", "\\12", "\\31", "\\127", "é", "e\\u{301}", "\\u{7ff}", "\\u{800}",
                  "\\u{ffff}",
                  "\\u{1f600}", "\\u{10ffff}", "\\xff", "\\xc3"}
                local numbers = {0.1, -0.0, 1e15, 1e16, 5e-324, 1.7976931348623157e308, 2.0^53, 0.3, 1e-5,
                  123456.75, 1/0, 0/0}
                local function text(kinds, most)
                  local t = {}
                  for i = 1, random(0, most) do t[i] = pieces[random(kinds)] end
                  return table.concat(t)
                end
                local function number()
                  local kind = random(10)
                  if kind == 1 then return random(0) end
                  if kind == 2 then return math.mininteger + random(0, 1) end
                  if kind == 3 then return random() * 10.0 ^ random(-320, 308) end
                  if kind == 4 then return random(-9, 9) / 8 end
                  if kind == 5 then return numbers[random(#numbers)] end
                  if kind == 6 then return string.unpack("d", string.pack("j", random(0))) end
                  return random(-300, 70000)
                end
                local function value(depth)
                  local kind = random(depth > 0 and 9 or 6)
                  if kind == 1 then return random(2) == 1 end
                  if kind <= 3 then return number() end
                  if kind <= 6 then return text(random(8) == 1 and #pieces or #pieces - 2, 12) end
                  local t = {}
                  if kind == 7 then
                    for i = 1, random(0, random(8) == 1 and 40 or 5) do t[i] = value(depth - 1) end
                    if random(30) == 1 then t[#t + 2] = 1 end
                  else
                    for _ = 1, random(0, random(8) == 1 and 60 or 5) do
                      t[text(random(20) == 1 and #pieces or 17, 6)] = value(depth - 1)
                    end
                    if random(30) == 1 then t[1] = 1 end
                  end
                  return t
                end
                local signs = {"[", "]", "{", "}", ",", ":", '"', "null", "true", "-", ".", "e",
                  "E+", "0", "1", " ", "\\n", "\\\\u00", "\\\\ud83d", "\\\\"}
                for _ = 1, 500 do
                  local made = both("encode", value(4))
                  if type(made) == "string" and made ~= "" then
                    both("decode", made)
                    both("decode", (made:gsub(",", " ,\\n\\t"):gsub(":", "\\r: ")))
                    for _ = 1, 4 do
                      local at = random(#made)
                      local sign = signs[random(#signs)]
                      both("decode", made:sub(1, at - 1) .. sign .. made:sub(at + random(0, 2)))
                      both("decode", made:sub(1, at))
                    end
                  end
                end
                return true
                """, limits: limits, functions: Self.functions(answered))
        #expect(results == [true])
        #expect(answered.count > 2_000, "\(answered.count) answered in C")
    }

    @Test func `every number is written and read as Swift does`() async throws {
        let answered = Answered()
        var limits = LuaLimits()
        limits.handlerCPU = .seconds(300)
        let results = try await TestState.run(
            Self.comparison + """
                local texts = {"0", "-0", "-0.0", "1e0", "1E+2", "1e-2", "0e0", "-1.5e-7",
                  "123456789012345678", "999999999999999999", "1000000000000000000", "9223372036854775807",
                  "-9223372036854775808",
                  "9223372036854775808", "1e308", "1.7976931348623157e308", "1.7976931348623159e308", "1e309",
                  "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400",
                  "9007199254740993.0", "0.1", "0.30000000000000004",
                  "1.00000000000000011102230246251565404236316680908203125",
                  "1.00000000000000011102230246251565404236316680908203126", "8.5e22", ("9"):rep(400),
                  ("9"):rep(300) .. ".0", "0." .. ("0"):rep(400) .. "1", ("1"):rep(2000) .. "e-1990",
                  "01", "-01", "+1", "0x10", "1.", ".1", "1e", "--1", "1e5.5", "Infinity", "NaN",
                  "nan", "inf"}
                for _, text in ipairs(texts) do both("decode", text) both("decode", "[" .. text .. "]") end
                for power = -324, 308 do
                  for _, factor in ipairs {1, 3, 1.1, 9.999999999999999} do
                    local number = factor * 10.0 ^ power
                    both("encode", number) both("encode", -number)
                  end
                end
                for power = 0, 62 do
                  for _, step in ipairs {-1, 0, 1} do
                    both("encode", (1 << power) + step) both("encode", -((1 << power) + step))
                    both("encode", 2.0 ^ power + step) both("encode", 2.0 ^ power + step / 2)
                  end
                end
                return true
                """, limits: limits, functions: Self.functions(answered))
        #expect(results == [true])
        #expect(answered.count > 3_000, "\(answered.count) answered in C")
    }

    @Test func `what is large is the same on both ways, where both take it`() async throws {
        var limits = LuaLimits()
        limits.handlerCPU = .seconds(60)
        let results = try await TestState.run(
            Self.comparison + """
                local names, list = {}, {}
                for i = 1, 2000 do names["name" .. i] = {i, {}} list[i] = ("x"):rep(i % 50) end
                for _, value in ipairs {names, list} do both("decode", both("encode", value)) end
                local function deep(levels) local t = {} for _ = 2, levels do t = {t} end return t end
                for levels = 29, 35 do
                  both("encode", deep(levels))
                  both("decode", ("["):rep(levels) .. ("]"):rep(levels))
                  both("decode", ('{"a":'):rep(levels) .. "1" .. ("}"):rep(levels))
                end
                for _, length in ipairs {262100, 262130, 262136, 262137, 262138, 262139, 262140, 262144,
                  262150, 300000} do
                  both("encode", ("x"):rep(length))
                  both("encode", {("\\n"):rep(length // 2)})
                  both("decode", '"' .. ("x"):rep(length - 2) .. '"')
                  both("decode", "[" .. ("1,"):rep(length // 2 - 1) .. "1]")
                  both("decode", "[" .. ("0.5,"):rep(length // 10) .. "1]")
                end
                local t = {} t[1] = t
                both("encode", print) both("encode", {print}) both("encode", setmetatable({}, {}))
                both("decode", 1) both("decode", nil) both("decode", {})
                return true, select(2, pcall(json.encode, t))
                """, limits: limits, functions: Self.functions(Answered()))
        #expect(results[0] == true)
        #expect(results[1].stringValue?.hasSuffix("a table that contains itself cannot be stored") == true)
    }
}

/// How many calls C answered.
private final class Answered: Sendable {
    private let calls = Atomic<Int>(0)

    func add() { calls.add(1, ordering: .relaxed) }

    var count: Int { calls.load(ordering: .relaxed) }
}
