import Foundation

/// The names of registered models.
package enum ModelName {
    /// A name in the form in which two names that a reader takes for one are equal: compatibility forms, without case,
    /// white space at the ends, and characters that cannot be seen, with Latin letters for Cyrillic and Greek ones of the same look.
    package static func folded(_ name: String) -> String {
        String(String.UnicodeScalarView(PersonName.folded(name).unicodeScalars.map { lookalikes[$0] ?? $0 }))
    }

    private static let lookalikes: [Unicode.Scalar: Unicode.Scalar] = {
        let pairs = zip(
            "аеорсухіјѕһԁԛԝьгкмнтвαοντρκιυχ".unicodeScalars,
            "aeopcyxijshdqwbrkmhtbaovtpkiux".unicodeScalars
        )
        return Dictionary(pairs.map { ($0, $1) }) { first, _ in first }
    }()
}
