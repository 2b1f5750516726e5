import ClusterServices
import Portable
import Testing

@Suite struct KVModuleTests {
    @Test func `values come back as they were with versions and conditions`() async throws {
        let server = try await TestServer.running(
            """
            local kv = perigee.kv
            local first = kv.put("k", { a = 1, list = { 1, 2.5, "x" }, deep = { on = true } })
            local value, version = kv.get("k")
            local refused, err = kv.put("k", 2, { if_version = 0 })
            local second = kv.put("k", 2, { if_version = version })
            local deleted, again = kv.delete("k"), kv.delete("k")
            local nothing, none = kv.get("k")
            return value, first == version, refused == nil and err.code, second > first, deleted, again,
              nothing == nil and none == nil
            """)
        #expect(
            try await server.run([:]) == [
                ["a": 1, "list": [1, 2.5, "x"], "deep": ["on": true]], true, "conflict", true, true, false,
                true,
            ])
        await server.stop()
    }

    @Test func `entries are walked in order and their room is limited`() async throws {
        let server = try await TestServer.running(
            """
            local kv, seen = perigee.kv, {}
            for index = 1, 130 do kv.put(("n/%03d"):format(index), index) end
            kv.put("other", 1)
            local sum, last = 0, ""
            for key, value in kv.each("n/") do
              assert(key > last)
              sum, last = sum + value, key
            end
            local big, code = ("x"):rep(200000), nil
            for index = 1, 10 do
              local ok, err = kv.put("big" .. index, big)
              if not ok then code = err.code break end
            end
            for index = 1, 10 do kv.delete("big" .. index) end
            return sum, code, select(2, pcall(kv.put, "", 1)), select(2, pcall(kv.put, "k")),
              select(2, pcall(kv.put, "k", 1, { ttl = "soon" }))
            """)
        let result = try await server.run([:])
        #expect(result[0] == 8_515)
        #expect(result[1] == "quota")
        #expect(result[2]?.stringValue?.contains("1 to 512 bytes") == true)
        #expect(result[3]?.stringValue?.contains("nil cannot be stored; use perigee.kv.delete") == true)
        #expect(result[4]?.stringValue?.contains("ttl: a duration such as '15m' expected") == true)
        await server.stop()
    }

    @Test func `keys that come and go with tokens do not grow beyond the plugin's room`() async throws {
        let server = try await TestServer(mains: [
            "a.x": (
                #"{"events": ["x:run"], "kv": "4KiB"}"#,
                """
                perigee.events.on("x:run", function()
                  local kv, made = perigee.kv, 0
                  for index = 1, 20 do
                    local key = ("k"):rep(500) .. index
                    local ok, err = kv.put(key, 1, { fence = 1 })
                    if not ok then
                      kv.put("result", { made, err.code, err.message:match("; (.*)$") })
                      return
                    end
                    made = made + 1
                    kv.delete(key, { fence = 1 })
                  end
                end)
                """
            )
        ])
        let result = try await server.run([:])
        #expect(result == [7, "quota", "4008 of them are keys that remember a lock's token"])
        await server.stop()
    }

    @Test func `a transaction takes effect as a whole or not at all`() async throws {
        let server = try await TestServer.running(
            """
            local kv = perigee.kv
            kv.put("a", 10)
            kv.put("b", 1)
            local done = kv.transaction(function()
              kv.put("a", kv.get("a") - 3)
              kv.put("b", kv.get("b") + 3)
              return kv.get("a") + kv.get("b")
            end)
            local failed = select(2, pcall(kv.transaction, function()
              kv.put("a", 0)
              error("stop")
            end))
            kv.transaction(function() kv.delete("b") end)
            return done, kv.get("a"), kv.get("b") == nil, failed,
              select(2, pcall(kv.transaction, function() kv.transaction(function() end) end)),
              select(2, pcall(kv.transaction, function() for _ in kv.each("") do break end end))
            """)
        let result = try await server.run([:])
        #expect(result[0] == 11 && result[1] == 7 && result[2] == true)
        #expect(result[3]?.stringValue?.contains("stop") == true)
        #expect(result[4]?.stringValue?.contains("cannot be begun within another") == true)
        #expect(result[5]?.stringValue?.contains("cannot be called within a transaction") == true)
        await server.stop()
    }

    @Test func `a transaction holds no more than it may write`() async throws {
        let server = try await TestServer.running(
            """
            local kv, big = perigee.kv, ("x"):rep(200000)
            local made = 0
            local done, err = kv.transaction(function()
              for index = 1, 100000 do
                local ok, refused = kv.put("k" .. index, big)
                if not ok then made = index return refused.code, select(2, kv.put("small", 1)).code end
              end
            end)
            local text = select(2, pcall(kv.transaction, function()
              for index = 1, 100000 do kv.get("k" .. index) made = index end
            end))
            local names = select(2, pcall(kv.transaction, function()
              for index = 1, 100000 do pcall(kv.put, "k" .. index, 1) if index > 1100 then return 1 end end
            end))
            local again = kv.transaction(function()
              for index = 1, 200 do kv.put("same", big) end
              kv.delete("same")
              return true
            end)
            local count = 0
            for _ in kv.each("") do count = count + 1 end
            return done == nil, err.code, made, text, names, again, count
            """)
        let result = try await server.run([:])
        #expect(result[0] == true && result[1] == "quota")
        #expect(result[2] == 1_000)
        #expect(result[3]?.stringValue?.contains("at most 1000 keys") == true)
        #expect(result[4]?.stringValue?.contains("at most 1000 keys") == true)
        #expect(result[5] == true)
        #expect(result[6] == 0, "nothing of a refused transaction was stored")
        await server.stop()
    }

    @Test func `a transaction whose ground has moved says conflict`() async throws {
        let server = try await TestServer.running(
            """
            perigee.kv.put("n", 1)
            local ok, err = perigee.kv.transaction(function()
              local n = perigee.kv.get("n")
              perigee.events.publish("a.x:read", {})
              while not perigee.kv.get("changed") do end
              perigee.kv.put("n", n + 1)
              return true
            end)
            return ok == nil, err and err.code or "none", (perigee.kv.get("n"))
            """)
        let (namespace, kv) = ("plugin/a.x", server.kv)
        let subscription = try await server.bus.subscribe(["a.x:read"], name: "test") { _ in
            for key in ["n", "changed"] {
                _ = try await kv.put(namespace: namespace, key: key, value: 5, quotaBytes: 1_000)
            }
        }
        let result = try await server.run([:])
        #expect(result == [true, "conflict", 5])
        subscription.cancel()
        await server.stop()
    }

    @Test func `plugins do not see each other's entries`() async throws {
        let permissions = #"{"events": ["x:run"], "kv": "1MiB"}"#
        let main = """
            perigee.events.on("x:run", function()
              perigee.kv.put("result", { perigee.kv.get("mine") or "nothing" })
              perigee.kv.put("mine", perigee.plugin.id)
            end)
            """
        let server = try await TestServer(mains: ["a.x": (permissions, main), "a.y": (permissions, main)])
        _ = try await server.run([:])
        #expect(try await server.run([:], plugin: "a.y") == ["a.y"])
        #expect(try await server.run([:]) == ["a.x"])
        await server.stop()
    }
}
