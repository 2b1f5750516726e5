package import NIOCore

extension GitProcess {
    /// Works with the process and sees it to its end, so that it outlives neither this call nor its use.
    ///
    /// When the body returns, input is finished, unread output passes, and the exit is awaited. When it
    /// throws, or the task is cancelled, the process group is first ended if `endsOnFailure` says so at that
    /// moment; otherwise the process goes on to its own end, as it must while refs are being moved.
    package func run<R: Sendable>(
        isolation: isolated (any Actor)? = #isolation,
        endsOnFailure: @escaping @Sendable () -> Bool = { true },
        _ body: (GitProcess) async throws -> R
    ) async throws -> R {
        do {
            let result = try await withTaskCancellationHandler {
                try await body(self)
            } onCancel: {
                if endsOnFailure() { terminate() }
            }
            await leave()
            return result
        } catch {
            if endsOnFailure() { terminate() }
            await leave()
            throw error
        }
    }

    /// Writes the input, reads all output, and waits for the end.
    /// - Parameter bytesMax: The most output that is taken; what is above it ends the process.
    /// - Returns: The output.
    /// - Throws: ``GitStoreError/processFailed(command:status:standardError:)`` when it ends otherwise than
    ///   with 0.
    package func communicate(
        _ input: ByteBuffer = ByteBuffer(), bytesMax: Int = 64 * 1024 * 1024
    ) async throws -> ByteBuffer {
        let output = try await run { process in
            async let writing: Void = process.feed(input)
            var collected = ByteBuffer()
            for try await portion in process.output {
                collected.writeImmutableBuffer(portion)
                guard collected.readableBytes <= bytesMax else { throw tooMuch(bytesMax) }
            }
            await writing
            return collected
        }
        let status = await waitForExit()
        guard status.isSuccess else { throw failure(status) }
        return output
    }

    /// The error of a process that ended so.
    package func failure(_ status: ExitStatus) -> GitStoreError {
        let text = standardErrorText.split(separator: "\n").suffix(8).joined(separator: "; ")
        return .processFailed(command: name, status: status, standardError: text)
    }

    private func tooMuch(_ bytesMax: Int) -> GitStoreError {
        .unreadable(operation: "git \(name)", reason: "more than \(bytesMax) bytes of output")
    }

    private func feed(_ input: ByteBuffer) async {
        if input.readableBytes > 0 { await write(input) }
        finishInput()
    }

    private func leave() async {
        finishInput()
        discardOutput()
        await waitForExit()
    }
}
