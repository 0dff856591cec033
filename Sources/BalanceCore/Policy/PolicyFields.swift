/// Reads the keys of one mapping and collects what is wrong with them.
final class PolicyFields {
    private let entries: [(key: PolicyNode, value: PolicyNode)]
    private let node: PolicyNode
    /// Where this mapping stands, as `rules[2]`; empty for the policy itself.
    let path: String
    private let issues: PolicyIssues
    private var known: [String] = []

    init?(_ node: PolicyNode, path: String, _ issues: PolicyIssues) {
        guard case .mapping(let entries) = node.value else {
            issues.add(node, "\(path.isEmpty ? "the policy" : path) must be a mapping, not \(node.kind)")
            return nil
        }
        self.entries = entries
        self.node = node
        self.path = path
        self.issues = issues
    }

    /// The value of a key, or nil where it is absent or null.
    func node(_ key: String) -> PolicyNode? {
        known.append(key)
        let found = entries.last { entry in
            if case .scalar(let text, _) = entry.key.value { return text == key }
            return false
        }?.value
        if case .scalar(let text, true) = found?.value, ["null", "Null", "NULL", "~", ""].contains(text) { return nil }
        return found
    }

    func text(_ key: String) -> String? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let text, _) = node.value, !text.isEmpty, text.utf8.count <= 500,
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            issues.add(node, "\(place(key)) must be a string of at most 500 bytes, not \(node.kind)")
            return nil
        }
        return text
    }

    /// A finite number within bounds.
    func number(
        _ key: String,
        _ bounds: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude
    )
        -> Double?
    {
        guard let node = node(key) else { return nil }
        guard let number = Self.number(node) else {
            issues.add(node, "\(place(key)) must be a number, not \(node.kind)")
            return nil
        }
        guard bounds.contains(number) else {
            let upper = bounds.upperBound == .greatestFiniteMagnitude ? "" : ", at most \(bounds.upperBound)"
            issues.add(node, "\(place(key)) must be at least \(bounds.lowerBound)\(upper), not \(number)")
            return nil
        }
        return number
    }

    func integer(_ key: String, _ bounds: ClosedRange<Int>) -> Int? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let text, true) = node.value, let number = Int(text), bounds.contains(number) else {
            issues.add(
                node,
                "\(place(key)) must be an integer from \(bounds.lowerBound) to \(bounds.upperBound), not \(node.kind)"
            )
            return nil
        }
        return number
    }

    func flag(_ key: String) -> Bool? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let text, true) = node.value, ["true", "false"].contains(text.lowercased()) else {
            issues.add(node, "\(place(key)) must be true or false, not \(node.kind)")
            return nil
        }
        return text.lowercased() == "true"
    }

    /// One of some words.
    func word<Word: RawRepresentable<String> & CaseIterable>(_ key: String, _ type: Word.Type) -> Word? {
        guard let node = node(key) else { return nil }
        if case .scalar(let text, _) = node.value, let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        issues.add(node, "\(place(key)) must be one of \(words), not \(node.kind)")
        return nil
    }

    /// A hundred years, in seconds.
    private static let longest = 36_500 * 86_400

    /// Seconds, written as `30d`, `12h`, `90m` or `45s`.
    func duration(_ key: String) -> Int? {
        guard let node = node(key) else { return nil }
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard case .scalar(let text, _) = node.value, let unit = text.last.flatMap({ units[$0] }),
            let count = Int(text.dropLast()), (0...Self.longest / unit).contains(count)
        else {
            issues.add(node, "\(place(key)) must be a duration such as 45s, 90m, 12h or 30d, not \(node.kind)")
            return nil
        }
        return count * unit
    }

    func list(_ key: String) -> [PolicyNode]? {
        guard let node = node(key) else { return nil }
        guard case .sequence(let elements) = node.value else {
            issues.add(node, "\(place(key)) must be a list, not \(node.kind)")
            return nil
        }
        return elements
    }

    func texts(_ key: String) -> [String]? {
        list(key)?.compactMap { element in
            if case .scalar(let text, _) = element.value, !text.isEmpty { return text }
            issues.add(element, "\(place(key)) must be a list of strings, not \(element.kind)")
            return nil
        }
    }

    /// The mapping below a key.
    func fields(_ key: String) -> PolicyFields? {
        node(key).flatMap { PolicyFields($0, path: place(key), issues) }
    }

    /// The keys and texts of a mapping whose keys are free.
    func pairs(_ key: String) -> [KeyValue]? {
        guard let below = fields(key) else { return nil }
        return below.entries.compactMap { entry in
            guard case .scalar(let name, _) = entry.key.value, case .scalar(let text, _) = entry.value.value else {
                issues.add(entry.value, "\(place(key)) must contain strings, not \(entry.value.kind)")
                return nil
            }
            return KeyValue(key: name, value: text)
        }
    }

    /// How many mistakes were found so far, here and elsewhere.
    var mistakes: Int { issues.all.count }

    /// Reports a key as wrong.
    func report(_ key: String, _ message: String) { issues.add(node(key) ?? node, "\(place(key)) \(message)") }

    /// Reports this mapping as wrong.
    func report(_ message: String) { issues.add(node, path.isEmpty ? message : "\(path): \(message)") }

    /// Reports the keys that nobody asked for.
    func finish() {
        for (key, _) in entries {
            guard case .scalar(let text, _) = key.value else {
                issues.add(key, "a key must be a string, not \(key.kind)")
                continue
            }
            guard !known.contains(text) else { continue }
            let near = known.min { Self.distance($0, text) < Self.distance($1, text) }
            let hint = near.map { Self.distance($0, text) <= 3 ? "; did you mean '\($0)'?" : "" } ?? ""
            issues.add(key, "\(path.isEmpty ? "" : path + " has ")an unknown key '\(text.prefix(60))'\(hint)")
        }
    }

    func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// A plain scalar as a finite number of JSON's or YAML's decimal form.
    static func number(_ node: PolicyNode) -> Double? {
        guard case .scalar(let text, true) = node.value, text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }),
            let number = Double(text), number.isFinite
        else { return nil }
        return number
    }

    /// How many letters must change to get from one word to another.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left.utf8), Array(right.utf8.prefix(60)))
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var next = [i + 1]
            for (j, y) in b.enumerated() { next.append(min(row[j] + (x == y ? 0 : 1), row[j + 1] + 1, next[j] + 1)) }
            row = next
        }
        return row[b.count]
    }
}

/// What was found wrong so far.
final class PolicyIssues {
    private(set) var all: [PolicyIssue] = []

    func add(_ node: PolicyNode, _ message: String) { all.append(PolicyIssue(node.line, node.column, message)) }
}
