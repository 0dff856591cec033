import BalanceCore

/// The condition that rows belong to what whoever asks may see; true for everybody where there is no limit.
struct VisibleSQL {
    let condition: String
    let arguments: [SQLValue]

    /// For a column with the name of a registered model.
    static func model(_ column: String) -> VisibleSQL {
        VisibleSQL { scope in
            guard case .model(let pattern) = scope else { return nil }
            guard pattern.text.utf8.last == UInt8(ascii: "*") else { return ("\(column) = ?", [.text(pattern.text)]) }
            return beginning(column, String(pattern.text.dropLast()))
        }
    }

    /// For a column with the name of an experiment.
    static func experiment(_ column: String) -> VisibleSQL {
        VisibleSQL { scope in
            guard case .folder(let folder) = scope else { return nil }
            let below = beginning(column, "\(folder.text)/")
            return ("(\(column) = ? OR \(below.0))", [.text(folder.text)] + below.1)
        }
    }

    private static func beginning(_ column: String, _ prefix: String) -> (String, [SQLValue]) {
        let count = prefix.utf8.count
        return ("SUBSTR(CAST(\(column) AS BLOB), 1, \(count)) = CAST(? AS BLOB)", [.text(prefix)])
    }

    private init(_ part: (AccessScope) -> (String, [SQLValue])?) {
        guard let scopes = Visibility.current?.scopes, !scopes.contains(.everything) else {
            (condition, arguments) = ("1 = 1", [])
            return
        }
        let parts = scopes.compactMap(part)
        condition = parts.isEmpty ? "1 = 0" : "(\(parts.map(\.0).joined(separator: " OR ")))"
        arguments = parts.flatMap(\.1)
    }
}
