import HTTPTypes
import Hummingbird

/// What a reader chose: it is kept in a cookie, so that it holds without scripts and on every page.
struct Preferences: Equatable {
    var language: Language
    var zone: TimeDisplay.Zone
    var theme: Theme

    enum Theme: String, CaseIterable { case system, light, dark }

    private static let cookie = "balanceops"

    /// The reader's choice; the browser's language where there is none, and Korean time.
    init(_ request: Request) {
        let accepted = request.headers[.acceptLanguage]?.lowercased() ?? ""
        language = accepted.hasPrefix("ko") ? .korean : .english
        zone = .kst
        theme = .system
        for field in request.headers[values: .cookie].flatMap({ $0.split(separator: ";") }) {
            let pair = field.split(separator: "=", maxSplits: 1).map { $0.trimmingPrefix { $0 == " " } }
            guard pair.count == 2, pair[0] == Self.cookie else { continue }
            let words = pair[1].split(separator: ".").map(String.init)
            if words.count == 3 { apply(language: words[0], zone: words[1], theme: words[2]) }
        }
    }

    /// Takes over what is known; anything else leaves the choice as it is.
    mutating func apply(language: String?, zone: String?, theme: String?) {
        self.language = language.flatMap(Language.init) ?? self.language
        self.zone = zone.flatMap(TimeDisplay.Zone.init) ?? self.zone
        self.theme = theme.flatMap(Theme.init) ?? self.theme
    }

    /// The header that keeps the choice for a year.
    var setCookie: String {
        let value = [language.rawValue, zone.rawValue, theme.rawValue].joined(separator: ".")
        return "\(Self.cookie)=\(value); Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"
    }
}
