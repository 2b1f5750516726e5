import Testing

@Suite struct GraphTests {
    @Test func `imports follow the module graph`() {
        var problems: [String] = []
        for file in SourceTree.swiftSources {
            guard let allowed = ModuleGraph.allowed[file.module] else {
                problems.append("\(file.path): \(file.module) is not in the module graph (ModuleGraph.swift)")
                continue
            }
            for (name, line) in file.imports {
                if ModuleGraph.allowed[name] != nil || name == "NodeTestKit" {
                    guard !allowed.contains(name), name != file.module else { continue }
                    let reason = ModuleGraph.reason(file.module, name)
                    problems.append("\(file.path):\(line): \(file.module) must not import \(name): \(reason)")
                } else if let fence = ModuleGraph.fenced[name], !fence.by.contains(file.module) {
                    problems.append(
                        "\(file.path):\(line): \(file.module) must not import \(name): \(fence.reason)")
                }
            }
        }
        expectNone(problems)
    }

    @Test func `the graph has no cycle`() {
        var done: Set<String> = []
        var rest = Set(ModuleGraph.allowed.keys)
        while let free = rest.first(where: { (ModuleGraph.allowed[$0] ?? []).isSubset(of: done) }) {
            rest.remove(free)
            done.insert(free)
        }
        #expect(rest.isEmpty, "these modules import each other in a circle: \(rest.sorted())")
    }

    @Test func `every target of the package is in the graph`() throws {
        let modules = Set(
            SourceTree.folders(below: "Sources").compactMap { folder in
                let parts = folder.split(separator: "/")
                return parts.count == 2 ? String(parts[1]) : nil
            })
        expectNone(
            modules.symmetricDifference(ModuleGraph.allowed.keys).sorted().map {
                "Sources/\($0): is in the graph or on disk, but not in both"
            })
    }

    @Test func `the tests of one module do not import modules above it`() {
        var problems: [String] = []
        for file in SourceTree.swiftTests where file.module.hasSuffix("Tests") {
            let subject = String(file.module.dropLast("Tests".count))
            guard let below = ModuleGraph.allowed[subject] else { continue }
            for (name, line) in file.imports
            where ModuleGraph.allowed[name] != nil && name != subject && !closure(of: below).contains(name)
                && name != "Observability"
            {
                problems.append(
                    "\(file.path):\(line): tests of \(subject) must not import \(name), which is above it")
            }
        }
        expectNone(problems)
    }

    private func closure(of modules: Set<String>) -> Set<String> {
        modules.reduce(into: modules) { all, name in
            all.formUnion(closure(of: ModuleGraph.allowed[name] ?? []))
        }
    }
}
