/// A configuration key that this program knows: one row of the reference in `docs/operating.md`.
package struct Setting: Sendable {
    /// The key, such as `server.port`. A pattern ends in `.<name>`.
    package let name: String
    /// What its value may be.
    package let kind: SettingKind
    /// The value that holds when none is given, as one would write it; `nil` when there is none.
    package let defaultText: String?
    /// What it does, in a sentence or two of Markdown.
    package let doc: String
    /// Whether the value must not be shown in messages or logs.
    package let isSecret: Bool

    init(
        _ name: String, _ kind: SettingKind, _ defaultText: String? = nil, isSecret: Bool = false,
        _ doc: String
    ) {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.doc = doc
        self.isSecret = isSecret
    }

    /// Whether the key stands for many, its last part being free.
    package var isPattern: Bool { name.hasSuffix(".<name>") }

    /// What keys of a pattern begin with, such as `logging.logger.`.
    var patternPrefix: String { String(name.dropLast("<name>".count)) }

    /// The environment variable that sets this key: capitals, with `_` for `.` and `-`.
    /// Humps vanish: `setup.displayName` is `PERIGEE_SETUP_DISPLAYNAME`.
    package var environmentName: String {
        "PERIGEE_" + name.uppercased().map { $0 == "." || $0 == "-" ? "_" : String($0) }.joined()
    }

    /// Whether `key` is this one, or one of this pattern.
    func matches(_ key: String) -> Bool {
        guard isPattern else { return key == name }
        return key.hasPrefix(patternPrefix) && key.count > patternPrefix.count
    }
}
