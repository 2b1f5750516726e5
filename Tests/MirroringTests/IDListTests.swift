import Mirroring
import Testing

@Suite struct IDListTests {
    @Test(
        arguments: [
            ([], ""), ([7], "7"), ([3, 1, 2], "1-3"), ([1, 2, 4, 9, 10, 9], "1-2,4,9-10"),
            ([Int64.max, Int64.max - 1, 0], "0,9223372036854775806-9223372036854775807"),
        ] as [([Int64], String)])
    func `numbers are a short text and come back`(_ ids: [Int64], _ text: String) throws {
        let list = IDList(ids)
        #expect(list.text == text)
        #expect(try #require(IDList(text)) == list)
        for id in ids { #expect(list.contains(id)) }
        for id in [5, 11, 8, 3_000] as [Int64] where !ids.contains(id) { #expect(!list.contains(id)) }
    }

    @Test(arguments: ["a", "1-", "-1", "3-1", "5,4", "1-4,4", "1--2", "99999999999999999999"])
    func `anything else is no list`(_ text: String) { #expect(IDList(text) == nil) }
}
