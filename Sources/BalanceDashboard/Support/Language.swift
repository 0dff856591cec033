/// A language of the pages.
enum Language: String, CaseIterable {
    case english = "en"
    case korean = "ko"

    var name: String {
        switch self {
        case .english: "English"
        case .korean: "한국어"
        }
    }

    /// Every text of the pages by its key; both languages have the same keys.
    var texts: [String: String] {
        switch self {
        case .english: Self.allEnglish
        case .korean: Self.allKorean
        }
    }

    private static let allEnglish = englishTexts.merging(englishGovernance) { first, _ in first }
        .merging(englishAccess) { first, _ in first }
        .merging(englishWorkspace) { first, _ in first }.merging(englishCharts) { first, _ in first }
    private static let allKorean = koreanTexts.merging(koreanGovernance) { first, _ in first }
        .merging(koreanAccess) { first, _ in first }
        .merging(koreanWorkspace) { first, _ in first }.merging(koreanCharts) { first, _ in first }
}
