import Logging

/// What swift-log calls for each logger: forms a line and hands it to the writer.
struct LogLineHandler: LogHandler {
    let label: String
    let cell: LogLevels.Cell
    let writer: LogWriter
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    /// A level given to this logger alone, which no later change of levels touches.
    private var ownLevel: Logger.Level?

    init(label: String, cell: LogLevels.Cell, writer: LogWriter, metadataProvider: Logger.MetadataProvider?) {
        self.label = label
        self.cell = cell
        self.writer = writer
        self.metadataProvider = metadataProvider
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? cell.level }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error { all["error"] = "\(error)" }
        writer.write(
            LogLine.bytes(
                time: .now(), level: event.level, label: label, message: event.message.description,
                metadata: all))
    }
}
