/// Why a text is no cron expression.
package struct CronError: Error, Hashable, CustomStringConvertible {
    /// The whole text.
    package let expression: String
    /// The field at fault, such as `day-of-month`; `nil` when it is the expression as a whole.
    package let field: String?
    /// What the field holds; the whole text where no field is at fault.
    package let text: String
    /// What is wrong with it and what is allowed, as a clause.
    package let problem: String

    /// The fact as a lower-case clause.
    package var description: String {
        let shown = expression.prefix(120)
        guard let field else { return "cron expression \"\(shown)\": \(problem)" }
        return "cron expression \"\(shown)\": \(field) \"\(text.prefix(60))\": \(problem)"
    }
}
