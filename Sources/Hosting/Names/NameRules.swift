/// What things may be called: every name from outside passes here before it is stored.
///
/// Names never become paths: repositories lie by id. The rules keep addresses unambiguous and logs readable.
enum NameRules {
    /// The key of a project: a letter, then up to 127 letters, digits or underscores; in upper case.
    static func projectKey(_ text: String) throws(HostingError) -> String {
        let bytes = Array(text.utf8)
        let fits =
            (1...128).contains(bytes.count) && isLetter(bytes[0])
            && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
        guard fits else {
            throw .invalid(
                field: "key",
                message: "A project key begins with a letter and has only letters, digits and underscores, "
                    + "at most 128. Choose such a key.")
        }
        return text.uppercased()
    }

    /// The name of a repository and the slug that follows from it.
    static func repositoryName(_ text: String) throws(HostingError) -> (name: String, slug: String) {
        let bytes = Array(text.utf8)
        guard (1...128).contains(bytes.count) else {
            throw .invalid(
                field: "name", message: "A repository name has 1 to 128 characters. Choose such a name.")
        }
        guard bytes.allSatisfy({ isLetter($0) || isDigit($0) || " ._-".utf8.contains($0) }) else {
            throw .invalid(
                field: "name",
                message: "A repository name has only ASCII letters, digits, spaces, \".\", \"_\" and \"-\". "
                    + "Choose such a name.")
        }
        guard isLetter(bytes[0]) || isDigit(bytes[0]) || bytes[0] == UInt8(ascii: "_") else {
            throw .invalid(
                field: "name",
                message: "A repository name begins with a letter, a digit or \"_\". Choose such a name.")
        }
        let slug = text.lowercased().map { $0 == " " ? "-" : String($0) }.joined()
        guard !text.contains(".."), !slug.hasSuffix("."), !text.hasSuffix(" "), !slug.hasSuffix(".git"),
            !slug.hasSuffix(".lock")
        else {
            throw .invalid(
                field: "name",
                message:
                    "A repository name has no \"..\" and does not end in a space, \".\", \".git\" "
                    + "or \".lock\". "
                    + "Choose such a name.")
        }
        return (text, slug)
    }

    /// The name of a project; any printable text.
    static func projectName(_ text: String) throws(HostingError) -> String {
        try printable(text, field: "name", what: "A project name", bytesMax: 128)
    }

    /// What a project or repository is for; empty means none.
    static func description(_ text: String?) throws(HostingError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.count <= 1000, text.unicodeScalars.allSatisfy({ $0 == "\n" || isPrintable($0) })
        else {
            throw .invalid(
                field: "description",
                message: "A description has at most 1000 bytes and no control characters.")
        }
        return text
    }

    /// What a user logs in with.
    static func userName(_ text: String) throws(HostingError) -> String {
        let name = try printable(text, field: "name", what: "A user name", bytesMax: 255)
        // These would be ambiguous in addresses, in Basic credentials, or in an environment of a child
        // process.
        guard !name.unicodeScalars.contains(where: { "/\\:=\"<>?#%&;|`$'".unicodeScalars.contains($0) }),
            name != ".", name != "..", !name.hasPrefix("-"), !name.hasPrefix("~")
        else {
            throw .invalid(
                field: "name",
                message:
                    "A user name has none of / \\ : = \" < > ? # % & ; | ` $ ' and does not begin "
                    + "with - or ~. "
                    + "Choose such a name.")
        }
        return name
    }

    /// The slug of a user name: lower case, everything but letters, digits, `.`, `_`, `-` becomes `_`.
    static func userSlug(_ name: String) -> String {
        var slug = ""
        for byte in name.lowercased().utf8 {
            // A UTF-8 continuation byte belongs to a character that has become `_` already.
            if byte & 0xC0 == 0x80 { continue }
            let keeps = isLetter(byte) || isDigit(byte) || "._-".utf8.contains(byte)
            slug.unicodeScalars.append(keeps ? Unicode.Scalar(byte) : "_")
        }
        if slug.hasPrefix(".") || slug.hasPrefix("-") { slug = "_" + slug.dropFirst() }
        return String(slug.prefix(120))
    }

    /// What people read for a user.
    static func displayName(_ text: String) throws(HostingError) -> String {
        try printable(text, field: "displayName", what: "A display name", bytesMax: 255)
    }

    /// An e-mail address, roughly: something, `@`, something; nil and empty mean none.
    static func emailAddress(_ text: String?) throws(HostingError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard text.utf8.count <= 255, parts.count == 2, parts.allSatisfy({ !$0.isEmpty }),
            text.unicodeScalars.allSatisfy({ isPrintable($0) && !" <>\"(),;:\\".unicodeScalars.contains($0) })
        else {
            throw .invalid(
                field: "emailAddress", message: "\"\(visible(text))\" is not an e-mail address. Correct it.")
        }
        return text
    }

    /// The name of a group; any printable text.
    static func groupName(_ text: String) throws(HostingError) -> String {
        try printable(text, field: "name", what: "A group name", bytesMax: 255)
    }

    /// The name of an access token; any printable text.
    static func tokenName(_ text: String) throws(HostingError) -> String {
        try printable(text, field: "name", what: "A token name", bytesMax: 255)
    }

    /// The label of an SSH key; any printable text.
    static func keyLabel(_ text: String) throws(HostingError) -> String {
        try printable(text, field: "label", what: "A key's label", bytesMax: 255)
    }

    /// A password: 1 to 1,024 bytes, no NUL.
    static func password(_ text: String) throws(HostingError) {
        guard (1...1024).contains(text.utf8.count), !text.utf8.contains(0) else {
            throw .invalid(
                field: "password", message: "A password has 1 to 1024 bytes. Choose such a password.")
        }
    }

    /// The form under which names are unique: without regard to case.
    ///
    /// A NUL, which no name has and no database takes, becomes a replacement character.
    static func key(_ text: String) -> String {
        let lower = text.lowercased()
        guard lower.utf8.contains(0) else { return lower }
        return String(lower.map { $0 == "\0" ? "\u{FFFD}" : $0 })
    }

    /// A pattern for `LIKE ? ESCAPE '\'` that finds `text` anywhere, literally.
    static func likePattern(_ text: String) -> String {
        var pattern = "%"
        for scalar in key(text).unicodeScalars {
            if scalar == "%" || scalar == "_" || scalar == "\\" { pattern += "\\" }
            pattern.unicodeScalars.append(scalar)
        }
        return pattern + "%"
    }

    private static func printable(
        _ text: String, field: String, what: String, bytesMax: Int
    ) throws(HostingError) -> String {
        guard (1...bytesMax).contains(text.utf8.count) else {
            throw .invalid(field: field, message: "\(what) has 1 to \(bytesMax) bytes. Choose such a name.")
        }
        guard text.unicodeScalars.allSatisfy(isPrintable), text.first != " ", text.last != " " else {
            throw .invalid(
                field: field,
                message:
                    "\(what) has no control, combining or invisible characters, and no space at either end. "
                    + "Choose such a name.")
        }
        return text
    }

    /// Printable, and the same in every normal form that people type: combining marks would make twins.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .nonspacingMark, .spacingMark, .enclosingMark:
            false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    /// Text from outside as a message may repeat it: short, without control characters.
    private static func visible(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(60) {
            result.unicodeScalars.append(isPrintable(scalar) ? scalar : "?")
        }
        return result
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
