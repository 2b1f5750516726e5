package import Portable

/// What a check of `perigee mirror doctor` came to.
package struct DoctorFinding: Sendable {
    /// How it is; the raw value is what scripts read.
    package enum Result: String, Sendable {
        /// As it should be.
        case ok = "OK"
        /// It works, and somebody should look at it.
        case warning = "WARNING"
        /// Mirroring does not work like this.
        case problem = "PROBLEM"
        /// It could not be looked at.
        case skipped = "SKIPPED"
    }

    /// What was looked at, such as `upstream tls`.
    package let check: String
    /// How it is.
    package let result: Result
    /// What was found, in a sentence.
    package let text: String
    /// What to do; nil where nothing is to be done.
    package let advice: String?

    /// As scripts read it.
    package var portable: PortableValue {
        [
            "check": .string(check), "result": .string(result.rawValue), "text": .string(text),
            "advice": .optional(advice),
        ]
    }

    static func ok(_ check: String, _ text: String) -> DoctorFinding {
        DoctorFinding(check: check, result: .ok, text: text, advice: nil)
    }

    static func warning(_ check: String, _ text: String, _ advice: String) -> DoctorFinding {
        DoctorFinding(check: check, result: .warning, text: text, advice: advice)
    }

    static func problem(_ check: String, _ text: String, _ advice: String) -> DoctorFinding {
        DoctorFinding(check: check, result: .problem, text: text, advice: advice)
    }

    static func skipped(_ check: String, _ text: String) -> DoctorFinding {
        DoctorFinding(check: check, result: .skipped, text: text, advice: nil)
    }
}
