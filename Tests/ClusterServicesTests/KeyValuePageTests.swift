import ClusterServices
import ClusterTestKit
import Portable
import Testing

@Suite struct KeyValuePageTests {
    @Test(arguments: TestEngine.allCases)
    func `pages follow the order of keys by bytes until one is empty`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            let keys = ["Z", "a", "a%", "a_b", "ab", "b", "ä", "界", "\u{10ffff}x"]
            for key in keys.shuffled() { try await store.put(key, key) }
            try await store.put("a", "elsewhere", namespace: "m")
            var found: [String] = []
            var after: String?
            while true {
                let page = try await store.fetchPage(namespace: "n", prefix: "", after: after, limit: 2)
                guard let last = page.last else { break }
                #expect(page.count <= 2)
                #expect(page.allSatisfy { $0.value.stringValue == $0.key })
                found += page.map(\.key)
                after = last.key
            }
            #expect(found == keys)
        }
    }

    @Test(
        arguments: TestEngine.allCases,
        [
            ("a", ["a", "a%", "a_b", "ab"]), ("a%", ["a%"]), ("a_", ["a_b"]),
            ("\u{10ffff}", ["\u{10ffff}", "\u{10ffff}x"]),
            ("b\u{d7ff}", ["b\u{d7ff}x"]), ("a\u{0}", []), ("zz", []), ("e", ["e\u{301}"]),
        ])
    func `a prefix is taken byte for byte`(
        engine: TestEngine, expected: (prefix: String, keys: [String])
    ) async throws {
        try await withStore(engine) { (store, _) async throws in
            for key in [
                "A", "a", "a%", "a_b", "ab", "b\u{d7ff}x", "b\u{e000}", "e\u{301}", "\u{e9}", "\u{10ffff}",
                "\u{10ffff}x",
            ] {
                try await store.put(key, "")
            }
            let page = try await store.fetchPage(namespace: "n", prefix: expected.prefix, limit: 100)
            #expect(page.map(\.key) == expected.keys)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a page of large values ends early and the next goes on`(engine: TestEngine) async throws {
        try await withStore(engine) { (store, _) async throws in
            let large = String(repeating: "x", count: 200_000)
            for number in 10..<40 { try await store.put("k\(number)", large) }
            let first = try await store.fetchPage(namespace: "n", prefix: "k", limit: 1000)
            #expect(first.count == 20)
            let second = try await store.fetchPage(
                namespace: "n", prefix: "k", after: first.last?.key, limit: 1000)
            #expect(second.map(\.key) == (30..<40).map { "k\($0)" })
            for (bytesMax, count) in [(0, 1), (400_000, 1), (400_016, 2)] as [(Int64, Int)] {
                let page = try await store.fetchPage(
                    namespace: "n", prefix: "k", limit: 9, bytesMax: bytesMax)
                #expect(page.count == count)
            }
        }
    }

    @Test(arguments: TestEngine.allCases, [(-5, 1), (0, 1), (3, 3), (Int.max, 5)])
    func `a limit out of bounds is taken as the nearest within`(
        engine: TestEngine, page: (limit: Int, count: Int)
    ) async throws {
        try await withStore(engine) { (store, _) async throws in
            for number in 0..<5 { try await store.put("k\(number)", "") }
            #expect(
                try await store.fetchPage(namespace: "n", prefix: "", limit: page.limit).count == page.count)
        }
    }
}
