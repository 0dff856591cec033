import BalanceCore

/// What somebody may have meant.
enum Suggestion {
    /// The name that is nearest to a mistyped one; nil where none is near.
    static func nearest(to text: String, of names: [String]) -> String? {
        let limit = max(1, text.count / 3)
        let near = names.map { ($0, distance(text.lowercased(), $0.lowercased())) }.filter { $0.1 <= limit }
        return near.min { $0.1 < $1.1 }?.0
    }

    /// Letters that are put in, taken out, replaced or exchanged (optimal string alignment).
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.prefix(100)), Array(right.prefix(100)))
        var rows = [Array(0...right.count)]
        for (i, a) in left.enumerated() {
            var row = [i + 1]
            for (j, b) in right.enumerated() {
                var best = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (a == b ? 0 : 1))
                if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}

extension API {
    /// Refuses a model that does not exist, with the name that may be meant; a caller that may not read goes on.
    func requireModel(_ model: String, or hint: String = "balanceops models list lists the models") async throws {
        do {
            _ = try await value("GET", "/models/\(model.percentEncoded)/slot")
        } catch let failure as Failure where failure.code == .permissionDenied {
            return
        } catch var failure as Failure where failure.code == .resourceNotFound {
            let names =
                (try? await value("GET", "/models"))?["items"]?.elements?.compactMap { $0["name"]?.string } ?? []
            failure.hint = Suggestion.nearest(to: model, of: names).map { "did you mean '\($0)'? \(hint)" } ?? hint
            throw failure
        }
    }
}
