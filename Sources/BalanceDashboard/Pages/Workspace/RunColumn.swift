import BalanceCore

/// A column of the table of runs.
enum RunColumn: Hashable {
    enum Attribute: String, CaseIterable {
        case status, created, duration, user, experiment, kind, branch, note
    }

    case attribute(Attribute)
    case metric(String)
    case param(String)
    case tag(String)

    /// Reads `status`, `m:KEY`, `p:KEY` or `t:KEY`; nil for what is none.
    init?(code: String) {
        if let attribute = Attribute(rawValue: code) {
            self = .attribute(attribute)
            return
        }
        let key = String(code.dropFirst(2))
        guard !key.isEmpty, key.utf8.count <= 500 else { return nil }
        switch code.prefix(2) {
        case "m:": self = .metric(key)
        case "p:": self = .param(key)
        case "t:": self = .tag(key)
        default: return nil
        }
    }

    /// As the address has it.
    var code: String {
        switch self {
        case .attribute(let attribute): attribute.rawValue
        case .metric(let key): "m:\(key)"
        case .param(let key): "p:\(key)"
        case .tag(let key): "t:\(key)"
        }
    }

    func title(_ texts: [String: String]) -> String {
        switch self {
        case .attribute(let attribute): texts["column_\(attribute.rawValue)"] ?? attribute.rawValue
        case .metric(let key), .param(let key), .tag(let key): key
        }
    }

    /// What a search sorts by; nil where the table cannot be sorted by it.
    var identifier: String? {
        switch self {
        case .attribute(.created): "attributes.start_time"
        case .attribute(.status): "attributes.status"
        case .attribute(.user): "attributes.user_id"
        case .attribute: nil
        case .metric(let key): "metrics.\(FilterText.key(key))"
        case .param(let key): "params.\(FilterText.key(key))"
        case .tag(let key): "tags.\(FilterText.key(key))"
        }
    }

    var isNumber: Bool {
        if case .metric = self { return true }
        return self == .attribute(.duration)
    }
}

/// Names and texts as the filter language writes them.
enum FilterText {
    static func key(_ key: String) -> String { key.contains("`") ? "\"\(key)\"" : "`\(key)`" }

    static func value(_ text: String) -> String { text.contains("'") ? "\"\(text)\"" : "'\(text)'" }
}
