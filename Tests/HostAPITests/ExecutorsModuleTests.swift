import ClusterServices
import Foundation
import HostAPI
import Hosting
import NodeTestKit
import PluginHost
import Portable
import SharedDatabase
import Testing

@Suite struct ExecutorsModuleTests {
    private static func server(_ options: String, _ rest: String = "") async throws -> TestServer {
        try await TestServer(mains: [
            "a.x": (
                #"{"executors": ["work", "other"], "events": ["x:run"], "kv": "1MiB"}"#,
                """
                local work = perigee.executors.define("work", { \(options) })
                \(rest)
                """
            )
        ])
    }

    private func publish(_ server: TestServer, _ payload: PortableValue) async throws {
        let event = Event(key: "x:run", payload: payload, id: UUID().uuidString)
        if let failure = await server.bus.publish(event).delivery().failures.first { throw failure.error }
    }

    private func stored(_ server: TestServer, _ key: String) async throws -> PortableValue? {
        try await server.kv.fetchValue(namespace: "plugin/a.x", key: key)?.value
    }

    @Test func `tasks come back as they were, in order, in their bucket`() async throws {
        let server = try await Self.server(
            """
            bucket = function(task) return task.repository end, batch = 10,
            process = function(bucket, tasks, attempt)
              local seen = perigee.kv.get("seen/" .. bucket) or {}
              for _, task in ipairs(tasks) do seen[#seen + 1] = task.value end
              seen.attempt = nil
              perigee.kv.put("seen/" .. bucket, seen)
              perigee.kv.put("attempt/" .. bucket, attempt)
            end,
            """,
            """
            perigee.events.on("x:run", function()
              for index = 1, 6 do
                assert(work:submit({ repository = 7, value = index }))
                assert(work:submit({ repository = "b", value = { index } }))
              end
            end)
            """)
        try await publish(server, [:])
        try await waitUntil("the tasks") {
            let (first, second) = try await (self.stored(server, "seen/7"), self.stored(server, "seen/b"))
            return first?.listValue?.count == 6 && second?.listValue?.count == 6
        }
        #expect(try await stored(server, "seen/7") == [1, 2, 3, 4, 5, 6])
        #expect(try await stored(server, "seen/b") == [[1], [2], [3], [4], [5], [6]])
        #expect(try await stored(server, "attempt/7") == 1)
        await server.stop()
    }

    @Test func `a task that fails is tried again, becomes a dead letter, and can be retried`() async throws {
        let server = try await Self.server(
            """
            max_attempts = 2, backoff = "10ms",
            process = function(bucket, tasks)
              if not perigee.kv.get("cured") then error("no luck") end
              perigee.kv.put("done", { bucket, tasks[1] })
            end,
            """,
            """
            perigee.events.on("x:run", function(event)
              if event.submit then return assert(work:submit("t")) end
              perigee.kv.put("cured", true)
              local letters = {}
              for letter in work:dead_letters() do letters[#letters + 1] = letter end
              perigee.kv.put("letters", letters)
              perigee.kv.put("status", work:status())
              perigee.kv.put("retried", work:retry(letters[1].id))
              perigee.kv.put("dropped", work:drop())
            end)
            """)
        try await publish(server, ["submit": true])
        try await waitUntil("the dead letter") {
            try await server.cluster.executors?.fetchOverviews().first { $0.name == "work" }?.dead == 1
        }
        try await publish(server, [:])
        let letter = try #require(try await stored(server, "letters")?[0])
        #expect(letter["task"] == "t")
        #expect(letter["bucket"] == "default")
        #expect(letter["attempts"] == 2)
        #expect(letter["error"]?.stringValue?.contains("main.lua:") == true)
        #expect(letter["error"]?.stringValue?.contains("no luck") == true)
        #expect(try await stored(server, "status")?["dead"] == 1)
        #expect(try await stored(server, "retried") == 1)
        #expect(try await stored(server, "dropped") == 0)
        try await waitUntil("the retry") { try await self.stored(server, "done") == ["default", "t"] }
        await server.stop()
    }

    @Test func `what a function writes is refused once its tasks are another's`() async throws {
        let server = try await TestServer(mains: [
            "a.x": (
                """
                {"executors": ["work"], "events": ["x:run"], "kv": "1MiB", "refs": "write",
                 "repositories": "read"}
                """,
                """
                local work = perigee.executors.define("work", {
                  process = function(_, tasks)
                    perigee.kv.put("begun", true)
                    while not perigee.kv.get("go") do end
                    local codes = {}
                    local function note(ok, err) codes[#codes + 1] = ok == nil and err.code or "written" end
                    note(perigee.kv.put("late", 1))
                    note(perigee.kv.delete("begun"))
                    note(perigee.kv.transaction(function()
                      perigee.kv.put("late", 2)
                      return true
                    end))
                    note(perigee.refs.create(tasks[1].repository, "refs/heads/late", tasks[1].commit))
                    perigee.events.publish("a.x:codes", { codes = codes })
                  end,
                })
                perigee.events.on("x:run", function(event) assert(work:submit(event)) end)
                perigee.events.on("a.x:codes", function(event) perigee.kv.put("codes", event.codes) end)
                """
            )
        ])
        let repository = try await server.makeRepository()
        let commit = try await server.commit("main", repository)
        try await publish(
            server, ["repository": .integer(repository.id.rawValue), "commit": .string(commit.hex)])
        try await waitUntil("the run") { try await self.stored(server, "begun") == true }
        // As another node does that takes the bucket over.
        _ = try await server.database.write {
            try $0.execute("UPDATE executor_bucket SET claim = claim + 1")
        }
        _ = try await server.kv.put(
            namespace: "plugin/a.x", key: "go", value: true, quotaBytes: 1 << 20)
        try await waitUntil("the codes") { try await self.stored(server, "codes") != nil }
        #expect(try await stored(server, "codes") == ["fenced", "fenced", "fenced", "fenced"])
        #expect(try await stored(server, "late") == nil)
        #expect(try await stored(server, "begun") == true)
        await server.stop()
    }

    @Test func `an executor that is full says so`() async throws {
        let server = try await Self.server(
            """
            max_tasks = 2, process = function() end,
            """,
            """
            perigee.events.on("x:run", function()
              assert(work:schedule("a", "1h"))
              assert(work:schedule("b", "1h"))
              local ok, err = work:submit("c")
              perigee.kv.put("result", { ok == nil, err.code, work:status().delayed })
            end)
            """)
        try await publish(server, [:])
        #expect(try await stored(server, "result") == [true, "quota", 2])
        await server.stop()
    }

    @Test func `tasks wait while the plugin is off, and a reload goes on with the new code`() async throws {
        let main = { (version: Int) in
            """
            local work = perigee.executors.define("work", {
              process = function(_, tasks, attempt) perigee.kv.put(tasks[1], { \(version), attempt }) end,
            })
            perigee.events.on("x:run", function(event) assert(work:submit(event.task)) end)
            """
        }
        let server = try await TestServer(mains: [
            "a.x": (#"{"executors": ["work"], "events": ["x:run"], "kv": "1MiB"}"#, main(1))
        ])
        try await publish(server, ["task": "first"])
        try await waitUntil("the first task") { try await self.stored(server, "first") == [1, 1] }
        try await server.plugins.disable("a.x")
        let submitter = try await #require(server.cluster.executors).submitter(
            namespace: "a.x", name: "work", settings: ExecutorSettings())
        try await submitter.submit(bucket: "default", "second")
        #expect(try await stored(server, "second") == nil)
        try Data(main(2).utf8).write(
            to: URL(filePath: "\(server.layout.installedPlugins)/a.x/main.lua"))
        try await server.plugins.reload("a.x")
        try await server.plugins.enable("a.x")
        try await waitUntil("the second task") { try await self.stored(server, "second") == [2, 1] }
        try Data(main(3).utf8).write(
            to: URL(filePath: "\(server.layout.installedPlugins)/a.x/main.lua"))
        try await server.plugins.reload("a.x")
        try await publish(server, ["task": "third"])
        try await waitUntil("the third task") { try await self.stored(server, "third") == [3, 1] }
        await server.stop()
    }

    /// Code of a main chunk that is refused, and what the reason holds.
    static let refused: [(code: String, text: String)] = [
        ("perigee.executors.define('nobody', { process = function() end })", #""executors": ["nobody"]"#),
        ("perigee.executors.define('work', {})", "process: function expected"),
        ("perigee.executors.define('work', { process = 1 })", "process: function expected"),
        (
            "perigee.executors.define('work', { process = print, batch = 0 })",
            "batch: a number from 1 to 1000"
        ),
        (
            "perigee.executors.define('work', { process = print, backoff = 'soon' })",
            "backoff: a duration up to 5m"
        ),
        (
            "perigee.executors.define('work', { process = print, timeout = '24h' }) "
                + "perigee.executors.define('work', { process = print, timeout = '25h' })",
            "timeout: a duration up to 1d expected, got '25h'"
        ),
        (
            "local both = { per_node = 1, per_cluster = 2 } "
                + "perigee.executors.define('work', { process = print, concurrency = both })",
            "either per_node or per_cluster"
        ),
        (
            "perigee.executors.define('work', { process = print, concurrency = { nodes = 1 } })",
            "either per_node or per_cluster"
        ),
        ("perigee.executors.define('work', { process = print, retries = 1 })", "unknown option 'retries'"),
    ]

    @Test(arguments: refused.indices) func `a wrong definition is refused at its line`(
        _ index: Int
    ) async throws {
        let (code, text) = Self.refused[index]
        let server = try await TestServer(mains: ["a.x": (#"{"executors": ["work"]}"#, "\n" + code)])
        let reason = await server.plugins.detail("a.x")?.summary.state.reason ?? ""
        #expect(reason.contains("main.lua:2:") && reason.contains(text), "\(reason)")
        await server.stop()
    }

    @Test func `wrong tasks and buckets are refused, and an error in the bucket's function is the caller's`()
        async throws
    {
        let server = try await Self.server(
            """
            bucket = function(task)
              if task == "raise" then error("no bucket") end
              return task ~= "none" and task or nil
            end,
            process = function() end,
            """,
            """
            perigee.events.on("x:run", function()
              local texts = {}
              for _, task in ipairs({ "raise", "none", "", ("x"):rep(300), { 1 } }) do
                local ok, text = pcall(work.submit, work, task)
                texts[#texts + 1] = not ok and text or "no error"
              end
              local _, large = pcall(work.submit, work, ("x"):rep(70000))
              local _, empty = pcall(work.submit, work)
              local _, late = pcall(work.schedule, work, 1, "soon")
              perigee.kv.put("texts", { texts, large, empty, late })
            end)
            """)
        try await publish(server, [:])
        let texts = try #require(try await stored(server, "texts"))
        let expected = [
            "no bucket", "must return a string or an integer", "1 to 256 bytes", "1 to 256 bytes",
            "must return a string or an integer",
        ]
        for (index, text) in expected.enumerated() {
            #expect(texts[0]?[index]?.stringValue?.contains(text) == true, "\(texts[0]?[index] ?? .null)")
        }
        #expect(texts[1]?.stringValue?.contains("bytes") == true)
        #expect(texts[2]?.stringValue?.contains("nil cannot be submitted") == true)
        #expect(
            texts[3]?.stringValue?.contains("delay: a duration") == true
                || texts[3]?.stringValue?.contains("a duration such as") == true)
        await server.stop()
    }
}
