extension PortableValue: ExpressibleByNilLiteral {
    /// `null`.
    package init(nilLiteral: ()) { self = .null }
}

extension PortableValue: ExpressibleByBooleanLiteral {
    /// A truth value.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension PortableValue: ExpressibleByIntegerLiteral {
    /// A whole number.
    package init(integerLiteral value: Int64) { self = .integer(value) }
}

extension PortableValue: ExpressibleByFloatLiteral {
    /// A floating-point number.
    package init(floatLiteral value: Double) { self = .double(value) }
}

extension PortableValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    /// Text.
    package init(stringLiteral value: String) { self = .string(value) }
}

extension PortableValue: ExpressibleByArrayLiteral {
    /// A list.
    package init(arrayLiteral elements: PortableValue...) { self = .list(elements) }
}

extension PortableValue: ExpressibleByDictionaryLiteral {
    /// A map; of members with the same name the last one holds.
    package init(dictionaryLiteral elements: (String, PortableValue)...) {
        self = .map(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}
