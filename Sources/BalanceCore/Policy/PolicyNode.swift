import Yams

/// A value of a policy's text, with the place where it stands.
package struct PolicyNode: Sendable {
    package enum Value: Sendable {
        /// A plain scalar may be a number, a flag or null; a quoted one is a text.
        case scalar(String, isPlain: Bool)
        case sequence([PolicyNode])
        case mapping([(key: PolicyNode, value: PolicyNode)])
    }

    package var value: Value
    /// From 1; 0 where the text is not at hand.
    package var line: Int
    /// From 1; 0 where the text is not at hand.
    package var column: Int

    /// The most bytes that a policy has.
    package static let maximumSize = 64 << 10
    /// The deepest nesting of a policy.
    package static let maximumDepth = 16
    /// Aliases of YAML may name the same part often; this many parts are looked at.
    private static let maximumNodes = 5000

    /// Reads YAML, or JSON, which is YAML too.
    ///
    /// - Throws: `Failure` with code `policyInvalid`, with the place of what is wrong.
    package init(parsing text: String) throws {
        guard text.utf8.count <= Self.maximumSize else {
            throw PolicyIssue(0, 0, "the policy is larger than \(Self.maximumSize >> 10) KiB").failure
        }
        // A byte order mark is no part of the text.
        let text = String(text.trimmingPrefix("\u{FEFF}"))
        guard YAMLBounds.allow(text.utf8, depth: Self.maximumDepth) else {
            let bound = "the policy is nested deeper than \(Self.maximumDepth) levels, or uses too many aliases"
            throw PolicyIssue(0, 0, bound).failure
        }
        var count = 0
        do {
            guard let node = try compose(yaml: text) else { throw PolicyIssue(1, 1, "the policy is empty").failure }
            try self.init(node, &count, depth: 0)
        } catch let error as YamlError {
            // JSON has escapes that YAML has not; a text that is JSON is read as such.
            guard let json = try? JSONValue(parsing: text), json.members != nil else { throw Self.issue(error).failure }
            self.init(json)
        }
    }

    private init(_ node: Node, _ count: inout Int, depth: Int) throws {
        count += 1
        line = node.mark?.line ?? 0
        column = node.mark?.column ?? 0
        guard count <= Self.maximumNodes, depth <= Self.maximumDepth else {
            throw PolicyIssue(line, column, "the policy is too large after alias expansion").failure
        }
        switch node {
        case .scalar(let scalar):
            value = .scalar(scalar.string, isPlain: scalar.style == .plain || scalar.style == .any)
        case .sequence(let sequence):
            value = .sequence(try sequence.map { try PolicyNode($0, &count, depth: depth + 1) })
        case .mapping(let mapping):
            value = .mapping(
                try mapping.map { entry in
                    (
                        key: try PolicyNode(entry.key, &count, depth: depth + 1),
                        value: try PolicyNode(entry.value, &count, depth: depth + 1)
                    )
                }
            )
        case .alias: throw PolicyIssue(line, column, "undefined alias").failure
        }
    }

    /// A document as it is kept.
    package init(_ json: JSONValue) {
        (line, column) = (0, 0)
        switch json {
        case .array(let elements): value = .sequence(elements.map(PolicyNode.init))
        case .object(let members):
            value = .mapping(members.map { (PolicyNode(.string($0.0)), PolicyNode($0.1)) })
        case .string(let text): value = .scalar(text, isPlain: false)
        default: value = .scalar(json.text(), isPlain: true)
        }
    }

    /// The kind of value, in words.
    var kind: String {
        switch value {
        case .scalar(let text, _): "'\(text.prefix(40))'"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    private static func issue(_ error: YamlError) -> PolicyIssue {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            PolicyIssue(mark.line, mark.column, "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            PolicyIssue(
                context.mark.line,
                context.mark.column,
                "duplicate key '\(duplicates.first ?? "?")'"
            )
        default: PolicyIssue(0, 0, "not valid YAML")
        }
    }
}

/// What is wrong with a policy, and where.
package struct PolicyIssue: Sendable, Hashable {
    package var line: Int
    package var column: Int
    package var message: String

    init(_ line: Int, _ column: Int, _ message: String) {
        self.line = line
        self.column = column
        self.message = message
    }

    /// The message with its place.
    package var text: String { line > 0 ? "line \(line), column \(column): \(message)" : message }

    var json: JSONValue {
        .object([("line", .int(line)), ("column", .int(column)), ("message", .string(message))])
    }

    var failure: Failure { Self.failure([self]) }

    static func failure(_ issues: [PolicyIssue]) -> Failure {
        let more = issues.count > 1 ? " (and \(issues.count - 1) more)" : ""
        return Failure(
            .policyInvalid,
            (issues.first?.text ?? "the policy is not valid") + more,
            hint: "docs/policies.md lists every key; `balanceops policy check FILE` checks a file",
            details: .array(issues.map(\.json))
        )
    }
}
