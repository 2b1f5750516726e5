import NodeTestKit
import Portable
import Testing

/// What operators are shown of a plugin: its figures, and what it keeps.
@Suite struct FigureTests {
    private func startNode() async throws -> RunningNode {
        let node = try RunningNode.prepare()
        try node.installPlugin(
            "com.example.keeper", permissions: #"{"kv": "1MiB"}"#,
            main: """
                perigee.plugin.on_start(function()
                  for number = 1, 130 do perigee.kv.put(("n/%03d"):format(number), { number = number }) end
                  perigee.kv.put("evil\\27[2J", "\\27[2J")
                  pcall(perigee.kv.put, "", 1)
                  pcall(function() perigee.refs.get(1, "refs/heads/main") end)
                  local n = 0
                  for i = 1, 1000000 do n = n + i end
                end)
                """)
        try await node.start()
        // Start handlers run once the node serves.
        try await waitUntil("the start handler") {
            let plugin = try await node.http.get("/rest/plugins/latest/com.example.keeper").json()
            return plugin["statistics"]?["runs"] == 1
        }
        return node
    }

    @Test func `calls, times and sizes are counted by plugin`() async throws {
        let node = try await startNode()
        let metrics = try await node.http.get("/metrics").text
        let plugin = #"plugin="com.example.keeper""#
        for (function, outcome, count) in [
            ("perigee.kv.put", "ok", 131), ("perigee.kv.put", "misuse", 1), ("perigee.refs.get", "denied", 1),
        ] {
            let labels = #"function="\#(function)",outcome="\#(outcome)",\#(plugin)"#
            #expect(metrics.contains("perigee_plugin_host_calls_total{\(labels)} \(count)\n"), "\(labels)")
        }
        for name in ["cpu_seconds", "wait_seconds", "thread_wait_seconds", "heap_bytes", "heap_peak_bytes"] {
            let value = metrics.firstMatch(of: try Regex("perigee_plugin_\(name)\\{\(plugin)\\} ([0-9.e-]+)"))
            #expect((value?.output[1].substring.flatMap { Double($0) } ?? 0) > 0, "\(name)")
        }
        #expect(metrics.contains("perigee_plugin_queued{\(plugin)} 0"))
        #expect(metrics.contains("perigee_plugin_thread_queued{\(plugin)} 0"))
        #expect(
            metrics.contains(
                #"perigee_plugin_permission_denied_total{function="perigee.refs.get",\#(plugin)} 1"#))
        #expect(
            node.log.contains(
                #/perigee\.audit permission denied .*at=main\.lua:5 .*function=perigee\.refs\.get/#))

        let top = try await node.perigee("plugin", "top", "--once", "--home", node.home)
        let lines = top.output.split(separator: "\n")
        let head = #/PLUGIN +STATE +CPU% +CPU s +THREAD s +WAIT s +RUNS +FAILED +KILLS +HEAP +PEAK/#
        #expect(lines.first?.contains(head) == true)
        #expect(lines.first?.hasSuffix("CALLS  DENIED  READY  QUEUE") == true, "\(lines.first ?? "")")
        // It used more than the first-party plugins, which did nothing.
        #expect(lines[1].contains(#/com\.example\.keeper +enabled +-( +\d+\.\d{3}){3} +1 +0 +0 /#))
        #expect(!top.output.contains("\u{1b}"))
        try await node.stop()
    }

    @Test func `a plugin's values are shown to system administrators, page by page`() async throws {
        let node = try await startNode()
        let kv = "/rest/plugins/latest/com.example.keeper/kv"
        let first = try await node.http.get(kv + "?prefix=n/&limit=100").json()
        #expect(first["size"] == 100 && first["isLastPage"] == false && first["nextAfter"] == "n/100")
        #expect(first["values"]?[0]?["key"] == "n/001")
        #expect(first["values"]?[0]?["value"] == ["number": 1])
        #expect((first["values"]?[0]?["version"]?.integerValue ?? 0) > 0)
        let second = try await node.http.get(kv + "?prefix=n/&limit=100&after=n/100").json()
        #expect(second["size"] == 30 && second["isLastPage"] == true && second["nextAfter"]?.isNull == true)
        #expect(try await node.http.get(kv + "?prefix=none").json()["values"] == [])
        #expect(try await node.http.get("/rest/plugins/latest/com.example.keep/kv").status == 404)
        #expect(try await node.http.get(kv + "?limit=0").status == 400)
        try await node.makeUser("ordinary")
        #expect(try await node.anonymous.basic("ordinary", "user-Passw0rd").get(kv).status == 401)

        let shown = try await node.perigee(
            "plugin", "kv", "com.example.keeper", "--prefix", "n/", "--home", node.home)
        #expect(shown.output.split(separator: "\n").count == 130)
        #expect(shown.output.hasPrefix("n/001  {\"number\":1}\n"))
        let all = try await node.perigee("plugin", "kv", "com.example.keeper", "--home", node.home)
        #expect(all.succeeded && !all.output.contains("\u{1b}"))
        try await node.stop()
    }
}
