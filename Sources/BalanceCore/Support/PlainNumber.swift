extension Int {
    /// The number of a text that is written as the number is shown: without a sign before a positive one, or leading zeros.
    package init?(plain text: String) {
        guard let number = Int(text), String(number) == text else { return nil }
        self = number
    }
}
