import Foundation

/// The names that people go by: two spellings that a reader takes for one are one person.
package enum PersonName {
    /// A name for comparisons: compatibility forms composed, without case, without white space around it and with one space
    /// inside, without characters that cannot be seen.
    package static func folded(_ name: String) -> String {
        let seen = String.UnicodeScalarView(
            name.precomposedStringWithCompatibilityMapping.unicodeScalars.filter {
                !$0.properties.isDefaultIgnorableCodePoint
            }
        )
        return String(seen).lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
            .precomposedStringWithCompatibilityMapping
    }

    /// Whether a name says who somebody is: those that programs stand under do not.
    package static func isSomebody(_ name: String) -> Bool {
        let folded = folded(name)
        return !folded.isEmpty && !anonymous.contains(folded)
    }

    /// What requests without a name come under.
    private static let anonymous: Set = [
        "api", "cli", "client", "dashboard", "mlflow client", "registry", "server", "unknown", "anonymous", "nobody",
        "migration", "crash-loop breaker",
    ]
}
