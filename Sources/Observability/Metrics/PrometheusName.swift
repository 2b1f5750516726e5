/// Names and labels in the form that Prometheus takes.
enum PrometheusName {
    /// Letters, digits and underscores, not beginning with a digit: `perigee.git.pushes` gives
    /// `perigee_git_pushes`.
    static func sanitized(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": result.unicodeScalars.append(scalar)
            case "0"..."9":
                if result.isEmpty { result = "_" }
                result.unicodeScalars.append(scalar)
            default: result += "_"
            }
        }
        return result.isEmpty ? "_" : result
    }

    /// `name="value",other="value"`, sorted by name; of two with the same name the first holds.
    static func labels(_ dimensions: [(String, String)]) -> String {
        var seen: Set<String> = []
        var pairs: [(name: String, value: String)] = []
        for (name, value) in dimensions {
            var name = sanitized(name)
            // `le` belongs to the buckets of histograms, and names with two underscores to Prometheus.
            if name == "le" || name.hasPrefix("__") { name = "label_" + name }
            if seen.insert(name).inserted { pairs.append((name, escaped(value))) }
        }
        return pairs.sorted { $0.name < $1.name }.map { "\($0.name)=\"\($0.value)\"" }.joined(separator: ",")
    }

    /// A sample's number; Prometheus writes the infinities and NaN so.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), abs(value) < 1e15 { return String(whole) }
        return String(value)
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
