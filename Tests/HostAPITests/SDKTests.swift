import Foundation
import LuaRuntime
import PluginHost
import Portable
import Testing

@testable import HostAPI

/// The committed part of the SDK is what the declarations say. After a change of a declaration, run
/// `perigee sdk generate`, or this suite with `PERIGEE_SDK_GENERATE=1`.
@Suite struct SDKTests {
    /// But for the page on Lua itself, which is written by hand.
    @Test func `the committed stubs and pages are what is generated`() throws {
        let generated = HostAPI.sdkFiles()
        if ProcessInfo.processInfo.environment["PERIGEE_SDK_GENERATE"] == "1" {
            for (path, text) in generated {
                let file = URL(filePath: "\(ProjectFiles.root)sdk/\(path)")
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: file)
            }
        }
        for (path, text) in generated {
            #expect(
                ProjectFiles.text("sdk/\(path)") == text,
                "sdk/\(path) is out of date: run `perigee sdk generate`")
        }
        let committed = ["types", "reference"].flatMap { folder in
            ProjectFiles.files(below: "sdk/\(folder)").keys.map { "\(folder)/\($0)" }
        }
        #expect(Set(committed).subtracting(["reference/lua.md"]) == Set(generated.keys))
    }

    @Test func `every function has docs types and an example`() {
        for module in HostAPI.declarations() {
            #expect(!module.summary.isEmpty && module.summary.hasSuffix("."), "perigee.\(module.name)")
            for function in module.functions {
                let path = "perigee.\(module.name).\(function.name)"
                #expect(
                    function.summary.contains(".") && function.summary.count > 10, "\(path) has no summary")
                #expect(function.example.contains("\(path)("), "the example of \(path) does not call it")
                for text in function.parameters.map(\.doc) + function.results.map(\.doc) {
                    #expect(text.hasSuffix("."), "\(path): \(text)")
                }
            }
            for kind in module.classes {
                #expect(!kind.summary.isEmpty && kind.summary.hasSuffix("."), "\(kind.fullName)")
                for method in kind.methods {
                    let path = "\(kind.fullName):\(method.name)"
                    #expect(method.summary.count > 10 && method.summary.contains("."), "\(path)")
                    #expect(
                        method.example.contains(":\(method.name)("), "the example of \(path) does not call it"
                    )
                    for text in method.parameters.map(\.doc) + method.results.map(\.doc) {
                        #expect(text.hasSuffix("."), "\(path): \(text)")
                    }
                }
            }
            for field in module.records.flatMap(\.fields) {
                #expect(field.doc.hasSuffix("."), "perigee.\(module.name): \(field.name): \(field.doc)")
            }
        }
    }

    @Test func `names are snake case and none is declared twice`() {
        let modules = HostAPI.declarations()
        #expect(Set(modules.map(\.name)).count == modules.count)
        for module in modules {
            let names = module.functions.map(\.name) + module.constants.map(\.name)
            #expect(Set(names).count == names.count)
            for name in names + module.functions.flatMap({ $0.parameters.map(\.name) }) {
                #expect(name.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil, "perigee.\(module.name).\(name)")
            }
        }
    }

    @Test func `every record that a type names is declared`() {
        let modules = HostAPI.declarations()
        let known = Set(modules.flatMap(\.records).map(\.name))
        let stubs = HostAPI.sdkFiles()["types/perigee.lua"] ?? ""
        for match in stubs.matches(of: /perigee\.([A-Z][A-Za-z]*)/) {
            let name = String(match.output.1)
            #expect(
                known.contains(name) || name == "Value" || stubs.contains("---@class perigee.\(name)\n"),
                "\(name)")
        }
    }

    @Test func `every example compiles`() async throws {
        let pool = LuaThreadPool(threads: 1, name: "examples")
        for module in HostAPI.declarations() {
            for function in module.functions + module.classes.flatMap(\.methods) {
                // Compiled as the body of a function that is not called: nothing of it runs.
                let source = "local function example()\n\(function.example)\nend\nreturn example"
                let state = try LuaState(
                    name: "example", limits: LuaLimits(), functions: [], constants: [:],
                    sources: ["main.lua": Array(source.utf8)], pool: pool, log: { _ in })
                do {
                    try await state.load("main.lua")
                } catch {
                    Issue.record("the example of perigee.\(module.name).\(function.name): \(error)")
                }
                await state.close()
            }
        }
        pool.stop()
    }

    @Test func `the generated stubs compile`() async throws {
        let pool = LuaThreadPool(threads: 1, name: "stubs")
        let text = HostAPI.sdkFiles()["types/perigee.lua"] ?? ""
        let state = try LuaState(
            name: "stubs", limits: LuaLimits(), functions: [], constants: [:],
            sources: ["main.lua": Array("return function()\n\(text)\nend".utf8)], pool: pool, log: { _ in })
        try await state.load("main.lua")
        await state.close()
        pool.stop()
    }

    @Test func `the manifest schema knows the same keys as the server`() throws {
        let text = try #require(ProjectFiles.text("sdk/plugin.schema.json"))
        let schema = try JSON.decode(text)
        let properties = schema["properties"]
        #expect(properties?.mapValue?.keys.sorted() == PluginManifest.keysKnown.sorted())
        let permissions = properties?["permissions"]?["properties"]?.mapValue?.keys.sorted()
        #expect(permissions == PluginPermissions.keysKnown.sorted())
        let kinds = schema["$defs"]?["setting"]?["properties"]?["type"]?["enum"]?.listValue
        #expect(kinds == SettingField.Kind.allCases.map { .string($0.rawValue) })
    }
}
