import ArgumentParser
import FoundationEssentials
import HostAPI

/// `perigee sdk generate`: writes type stubs and reference pages from the declarations of the host API.
struct SDKGenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Write sdk/types and sdk/reference from the host API's declarations.")

    @Option(help: "The folder to write to.")
    var output = "sdk"

    @Flag(help: "Write nothing; fail when a file is missing or differs.")
    var check = false

    func run() async throws {
        let folder = AbsolutePath.of(output)
        let files = HostAPI.sdkFiles().sorted { $0.key < $1.key }
        if check {
            let stale = files.filter { file in
                FileManager.default.contents(atPath: "\(folder)/\(file.key)") != Data(file.value.utf8)
            }
            guard stale.isEmpty else { throw SDKProblem.stale(files: stale.map(\.key), folder: output) }
            return
        }
        for (name, text) in files {
            let path = "\(folder)/\(name)"
            let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? folder
            do {
                try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
                try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
            } catch {
                throw SDKProblem.unwritable(path: path)
            }
            print(path)
        }
    }
}

/// Why the plugin authors' files are not as they should be.
enum SDKProblem: Error, CustomStringConvertible {
    case stale(files: [String], folder: String)
    case unwritable(path: String)

    var description: String {
        switch self {
        case .stale(let files, let folder):
            "\(files.joined(separator: ", ")) in \(folder) differ from the host API. Run perigee "
                + "sdk generate."
        case .unwritable(let path): "\(path) cannot be written. Choose another folder by --output."
        }
    }
}
