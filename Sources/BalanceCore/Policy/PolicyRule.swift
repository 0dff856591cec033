/// One rule over a metric of a candidate.
package struct PolicyRule: Sendable, Hashable {
    /// Which values are better.
    package enum Direction: String, Sendable, CaseIterable { case higher, lower }

    /// How the candidate must stand to the current model; `d` is the gain in the rule's direction.
    package enum Change: Sendable, Hashable {
        /// d is at least this.
        case minDelta(Double)
        /// d is at least minus this.
        case maxRegression(Double)
        /// d is at least this share of the current value's size.
        case minRelativeDelta(Double)
    }

    /// A part of the rows: those where a column has one value, or each of its values.
    package struct Slice: Sendable, Hashable {
        package var column: String
        /// nil: every value that occurs.
        package var value: String?

        /// As it is written, `slice:region=*`.
        package var text: String { "slice:\(column)=\(value ?? "*")" }
    }

    /// A test over the predictions of both models for the same rows.
    package struct Test: Sendable, Hashable {
        package enum Kind: String, Sendable, CaseIterable { case mcnemar, pairedBootstrap = "paired_bootstrap" }

        package var kind: Kind
        /// The chance of passing a model that is not better; above 0, below 0.5.
        package var alpha = 0.05
        /// The gain that must be shown; 0 asks for any.
        package var margin = 0.0
        /// How often rows are drawn again.
        package var resamples = 2000
        /// Whether the k-th attempt on one data set gets `alpha / (k (k + 1))` alone.
        package var spendsAlpha = false

        package init(kind: Kind) { self.kind = kind }
    }

    package var id: String
    package var metric: String
    package var direction: Direction
    package var change: Change?
    /// Asks for more than the change, where it would pass with exactly that.
    package var isStrict = false
    package var minimum: Double?
    package var maximum: Double?
    /// What the metric can be at all; another value is an error and no verdict.
    package var range: ClosedRange<Double>?
    /// The data set that the metric was measured on, where there are several.
    package var dataset: String?
    package var slice: Slice?
    package var minRows: Int?
    /// Slices with fewer rows than this are left out.
    package var skipBelow: Int?
    package var test: Test?

    /// Whether the rule looks at the current model.
    package var isRelative: Bool { change != nil || test != nil }

    package init(id: String, metric: String, direction: Direction, change: Change? = nil) {
        self.id = id
        self.metric = metric
        self.direction = direction
        self.change = change
    }

    package var json: JSONValue {
        var members: [(String, JSONValue)] = [("id", .string(id))]
        if let test {
            members.append(("test", .string(test.kind.rawValue)))
        }
        members += [("metric", .string(metric)), ("direction", .string(direction.rawValue))]
        if isRelative { members.append(("vs", "current")) }
        switch change {
        case .minDelta(let value): members.append(("min_delta", .double(value)))
        case .maxRegression(let value): members.append(("max_regression", .double(value)))
        case .minRelativeDelta(let value): members.append(("min_rel_delta", .double(value)))
        case nil: break
        }
        if isStrict { members.append(("strict", .bool(true))) }
        if let minimum { members.append(("min", .double(minimum))) }
        if let maximum { members.append(("max", .double(maximum))) }
        if let range { members.append(("in", .array([.double(range.lowerBound), .double(range.upperBound)]))) }
        if let dataset { members.append(("dataset", .string(dataset))) }
        if let slice { members.append(("by", .string(slice.text))) }
        if let minRows { members.append(("min_rows", .int(minRows))) }
        if let skipBelow { members.append(("skip_below", .int(skipBelow))) }
        guard let test else { return .object(members) }
        members += [("alpha", .double(test.alpha)), ("margin", .double(test.margin))]
        if test.kind == .pairedBootstrap { members.append(("resamples", .int(test.resamples))) }
        if test.spendsAlpha { members.append(("spend_alpha", .bool(true))) }
        return .object(members)
    }

    /// The result of a slice that has too few rows to be looked at, where the rule leaves such out.
    func skipped(_ part: PolicyEvidence.SliceValue) -> RuleResult? {
        guard let skipBelow, part.rows < skipBelow else { return nil }
        return RuleResult("\(id)/\(part.value)", .skipped, "\(part.rows) rows: slices below \(skipBelow) are left out")
            .on(self)
    }

    /// The direction of metrics whose names everybody reads alike; nil for others.
    package static func knownDirection(_ metric: String) -> Direction? {
        let words = metric.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
        let higher: Set = [
            "acc", "accuracy", "auc", "auroc", "f1", "precision", "recall", "r2", "map", "ndcg", "mcc", "kappa",
            "specificity", "sensitivity", "jaccard", "iou", "score",
        ]
        let lower: Set = ["loss", "logloss", "error", "mse", "rmse", "mae", "mape", "brier", "perplexity", "deviance"]
        // A scorer's negated loss, a time or a difference says nothing by its other words.
        let unclear: Set = ["neg", "negative", "time", "drop", "gap", "diff", "delta", "change"]
        if words.contains(where: unclear.contains) { return nil }
        let isHigher = words.contains(where: higher.contains)
        let isLower = words.contains(where: lower.contains)
        return isHigher == isLower ? nil : isHigher ? .higher : .lower
    }
}

/// A rule, or several of which one is enough.
package enum PolicyClause: Sendable, Hashable {
    case rule(PolicyRule)
    case any(id: String, [PolicyRule])

    package var rules: [PolicyRule] {
        switch self {
        case .rule(let rule): [rule]
        case .any(_, let rules): rules
        }
    }

    var json: JSONValue {
        switch self {
        case .rule(let rule): rule.json
        case .any(let id, let rules): .object([("id", .string(id)), ("any", .array(rules.map(\.json)))])
        }
    }
}
