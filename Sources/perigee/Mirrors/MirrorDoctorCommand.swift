import ArgumentParser
import FoundationEssentials
import Node
import Portable

/// `perigee mirror doctor`: what keeps a mirror from working, and what to do.
struct MirrorDoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look for what keeps mirroring from working, and say what to do.",
        discussion: """
            Give the home of a mirror's node or of a primary's; the node may run or not. Each line is a \
            check, what it came to, and what to do. The exit status is 1 when there is a problem.
            """)

    @OptionGroup var options: ServeOptions

    @Option(help: "On a primary: a PEM file of authorities by which mirrors' certificates are judged.")
    var authorities: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let request = try options.request()
        let findings = await MirrorDoctor(request, authorities: authorities.map { AbsolutePath.of($0) }).run()
        if json {
            print(try JSON.text(.list(findings.map(\.portable))))
        } else {
            for finding in findings {
                let text = TerminalText.shown(finding.text)
                print("\(finding.result.rawValue.padded(8)) \(finding.check): \(text)")
                if let advice = finding.advice { print("         -> \(TerminalText.shown(advice))") }
            }
        }
        if findings.contains(where: { $0.result == .problem }) { throw ExitCode(1) }
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
