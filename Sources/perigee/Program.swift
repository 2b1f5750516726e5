import ArgumentParser
import Glibc

/// The process' entry: parses the command line, runs the command, and turns errors into exit codes.
///
/// 0 when all went well, 1 with one sentence on standard error when it did not, 64 when the command line is
/// wrong.
@main
enum Program {
    static func main() async {
        do {
            var command = try PerigeeCommand.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            // Help, version and wrong usage are the parser's to print; everything else is a sentence of ours.
            guard PerigeeCommand.exitCode(for: error) == .failure, !(error is ExitCode) else {
                PerigeeCommand.exit(withError: error)
            }
            StandardError.write("perigee: \(error)\n")
            exit(1)
        }
    }
}
