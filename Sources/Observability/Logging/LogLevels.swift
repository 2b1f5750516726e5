import Logging
import Synchronization

/// Levels by name, and what follows from them for each logger that exists.
final class LogLevels: Sendable {
    /// The level of all loggers of one name, read at every log statement.
    final class Cell: Sendable {
        private let stored: Atomic<Int>

        init(_ level: Logger.Level) { stored = Atomic(Cell.number(of: level)) }

        var level: Logger.Level {
            get { Logger.Level.allCases[stored.load(ordering: .relaxed)] }
            set { stored.store(Cell.number(of: newValue), ordering: .relaxed) }
        }

        private static func number(of level: Logger.Level) -> Int {
            Logger.Level.allCases.firstIndex(of: level) ?? 0
        }
    }

    static let root = "ROOT"

    private struct State {
        var levels: [String: Logger.Level]
        var defaultLevel: Logger.Level
        var cells: [String: Cell] = [:]

        /// The level set at the name itself or at the nearest one above.
        func level(of name: String) -> Logger.Level {
            var rest = name[...]
            while !rest.isEmpty {
                if let level = levels[String(rest)] { return level }
                rest = rest.lastIndex(of: ".").map { rest[..<$0] } ?? ""
            }
            return levels[LogLevels.root] ?? defaultLevel
        }
    }

    private let state: Mutex<State>

    init(defaultLevel: Logger.Level, levels: [String: Logger.Level]) {
        let named = levels.map { (LogLevels.canonical($0.key), $0.value) }
        state = Mutex(
            State(
                levels: Dictionary(named, uniquingKeysWith: { _, last in last }), defaultLevel: defaultLevel))
    }

    func cell(for name: String) -> Cell {
        state.withLock { state in
            if let cell = state.cells[name] { return cell }
            let cell = Cell(state.level(of: name))
            state.cells[name] = cell
            return cell
        }
    }

    func set(_ level: Logger.Level?, for name: String) {
        state.withLock { state in
            state.levels[LogLevels.canonical(name)] = level
            for (name, cell) in state.cells { cell.level = state.level(of: name) }
        }
    }

    func level(of name: String) -> Logger.Level {
        state.withLock { $0.level(of: LogLevels.canonical(name)) }
    }

    var all: [String: Logger.Level] {
        state.withLock { state in
            state.levels.merging(
                [LogLevels.root: state.defaultLevel], uniquingKeysWith: { named, _ in named })
        }
    }

    private static func canonical(_ name: String) -> String {
        name.isEmpty || name.uppercased() == root ? root : name
    }
}
