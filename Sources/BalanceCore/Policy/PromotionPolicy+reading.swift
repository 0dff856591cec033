extension PromotionPolicy {
    /// Reads a policy's text, YAML or JSON.
    ///
    /// - Throws: `Failure` with code `policyInvalid` whose details name every mistake with its line and column.
    package init(parsing text: String) throws { try self.init(PolicyNode(parsing: text)) }

    /// Reads a policy as it is kept.
    ///
    /// - Throws: `Failure` with code `policyInvalid`.
    package init(document: JSONValue) throws { try self.init(PolicyNode(document)) }

    private init(_ node: PolicyNode) throws {
        let issues = PolicyIssues()
        guard let fields = PolicyFields(node, path: "", issues) else { throw PolicyIssue.failure(issues.all) }
        let version = fields.text("apiVersion")
        if version != Self.apiVersion { fields.report("apiVersion", "must be '\(Self.apiVersion)'") }
        let name = fields.text("name")
        if name == nil { fields.report("name", "is missing") }
        if let name, !Self.isName(name) {
            fields.report("name", "must have at most 100 letters, digits, dots, dashes and underscores")
        }
        self.init(name: name ?? "")
        onFirst = fields.word("on_first", OnFirst.self) ?? onFirst
        onMissingMetric = fields.word("on_missing_metric", OnMissing.self) ?? onMissingMetric
        onBrokenCurrent = fields.word("on_broken_current", OnBroken.self) ?? onBrokenCurrent
        compare = fields.word("compare", Comparison.self) ?? compare
        mode = fields.word("mode", Mode.self) ?? mode
        clauses = Self.clauses(fields, issues)
        readConditions(fields)
        fields.finish()
        if clauses.isEmpty, mode == .all, issues.all.isEmpty {
            fields.report("a policy without rules is only allowed with mode: manual")
        }
        if !issues.all.isEmpty {
            throw PolicyIssue.failure(issues.all.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
        }
    }

    /// Whether a text can name a policy.
    package static func isName(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "._-".utf8.contains($0)
        }
        return isPlain && (1...100).contains(text.utf8.count) && text != "none" && !text.hasPrefix(".")
    }

    private mutating func readConditions(_ fields: PolicyFields) {
        if let below = fields.fields("data") {
            if let other = below.text("same_fingerprint_as") {
                data.sameAsCurrent = true
                if other != "current" { below.report("same_fingerprint_as", "must be 'current'") }
            }
            data.minRows = below.integer("min_rows", 1...1_000_000_000)
            data.minPerClass = below.integer("min_per_class", 1...1_000_000_000)
            data.maxAge = below.duration("max_age")
            data.predictions = below.text("predictions") ?? data.predictions
            data.positive = below.text("positive")
            if (try? ArtifactKey(data.predictions)) == nil {
                below.report("predictions", "must be the path of an artifact, such as predictions.csv")
            }
            below.finish()
        }
        if let below = fields.fields("require") {
            require.tags = below.pairs("tags") ?? []
            require.artifacts = below.texts("artifacts") ?? []
            if require.artifacts.count > 50 { below.report("artifacts", "has more than 50 files") }
            require.signatureCompatible = below.flag("signature_compatible") ?? false
            require.runStatus = below.text("run_status")
            if let status = require.runStatus, RunStatus(rawValue: status) == nil {
                below.report("run_status", "must be a run status such as FINISHED, not '\(status)'")
            }
            require.selfTest = below.flag("self_test") ?? false
            require.maxLatency = below.number("max_latency_ms", 0...1e9)
            below.finish()
        }
        if let below = fields.fields("cooldown") {
            cooldown.afterPromotion = below.duration("after_promotion")
            cooldown.afterRollback = below.duration("after_rollback")
            cooldown.maxAttempts = below.integer("max_attempts_per_dataset", 1...1_000_000)
            below.finish()
        }
        guard let below = fields.fields("approval") else { return }
        var need = ApprovalNeed()
        need.required = below.integer("required", 1...20) ?? need.required
        need.roles = below.texts("roles") ?? []
        need.notAuthor = below.flag("not_author") ?? need.notAuthor
        need.expires = below.duration("expires") ?? need.expires
        below.finish()
        approval = need
    }

    private static func clauses(_ fields: PolicyFields, _ issues: PolicyIssues) -> [PolicyClause] {
        var taken: [String: Int] = [:]
        let nodes = fields.list("rules") ?? []
        if nodes.count > 200 { fields.report("rules", "has more than 200 rules") }
        return nodes.prefix(200).enumerated().compactMap { index, node in
            guard let below = PolicyFields(node, path: "rules[\(index)]", issues) else { return nil }
            guard let group = below.list("any") else { return rule(below, &taken, index).map(PolicyClause.rule) }
            let id = uniqueID(below, below.text("id") ?? "any-\(index + 1)", &taken)
            below.finish()
            if group.isEmpty { below.report("any", "has no rule") }
            let rules = group.enumerated().compactMap { place, node in
                PolicyFields(node, path: "rules[\(index)].any[\(place)]", issues).flatMap {
                    rule($0, &taken, index, place)
                }
            }
            return .any(id: id, rules)
        }
    }

    private static func uniqueID(_ fields: PolicyFields, _ id: String, _ taken: inout [String: Int]) -> String {
        taken[id, default: 0] += 1
        if taken[id] != 1 { fields.report("id", "'\(id.prefix(60))' is a duplicate") }
        return id
    }

    private static func rule(
        _ fields: PolicyFields,
        _ taken: inout [String: Int],
        _ index: Int,
        _ place: Int? = nil
    ) -> PolicyRule? {
        let before = fields.mistakes
        let metric = fields.text("metric")
        if metric == nil { fields.report("metric", "is missing") }
        // A slash parts a rule from its slices.
        let own = fields.text("id")
        if own?.contains("/") == true { fields.report("id", "must not contain '/'") }
        let plain = (metric ?? "rule").replacing("/", with: "-")
        let id = uniqueID(fields, own ?? "\(plain)-\(index + 1)\(place.map { "-\($0 + 1)" } ?? "")", &taken)
        let asked = fields.word("direction", PolicyRule.Direction.self)
        let direction = asked ?? metric.flatMap(PolicyRule.knownDirection)
        if direction == nil, let metric {
            fields.report(
                "direction",
                "is missing for '\(metric.prefix(60))': use higher or lower"
            )
        }
        var rule = PolicyRule(id: id, metric: metric ?? "", direction: direction ?? .higher)
        rule.test = test(fields, rule)
        rule.change = change(fields)
        rule.isStrict = fields.flag("strict") ?? false
        rule.minimum = fields.number("min")
        rule.maximum = fields.number("max")
        rule.range = range(fields)
        rule.dataset = fields.text("dataset")
        rule.slice = slice(fields)
        rule.minRows = fields.integer("min_rows", 1...1_000_000_000)
        rule.skipBelow = fields.integer("skip_below", 1...1_000_000_000)
        let versus = fields.text("vs")
        fields.finish()
        // What does not read says nothing about what is missing.
        if fields.mistakes == before { check(rule, versus, fields) }
        return rule
    }

    private static func check(_ rule: PolicyRule, _ versus: String?, _ fields: PolicyFields) {
        if let versus, versus != "current" { fields.report("vs", "must be 'current'") }
        if versus != nil, !rule.isRelative {
            fields.report("vs: current needs min_delta, max_regression, min_rel_delta or a test")
        }
        if rule.isRelative, versus == nil, rule.test == nil { fields.report("vs", "is missing: add vs: current") }
        if !rule.isRelative, rule.minimum == nil, rule.maximum == nil {
            fields.report("has no condition: set min, max, a change against current, or a test")
        }
        if let low = rule.minimum, let high = rule.maximum, low > high {
            fields.report("min", "\(low) is above max \(high): nothing can pass")
        }
        if let range = rule.range {
            if let low = rule.minimum, low > range.upperBound { fields.report("min", "is above every value in 'in'") }
            if let high = rule.maximum, high < range.lowerBound { fields.report("max", "is below every value in 'in'") }
        }
        if let range = rule.range, case .minDelta(let step) = rule.change, step > range.upperBound - range.lowerBound {
            fields.report("min_delta", "is more than the whole range of 'in': nothing can pass")
        }
        if rule.skipBelow != nil, rule.slice == nil { fields.report("skip_below", "requires by: slice:…") }
        if rule.isStrict, rule.change == nil { fields.report("strict", "requires a change against current") }
        guard let test = rule.test else { return }
        if test.kind == .mcnemar, !["acc", "accuracy"].contains(rule.metric) {
            fields.report("metric", "must be acc for the test mcnemar")
        }
        if test.kind == .pairedBootstrap, !PairedMetric.names.contains(rule.metric) {
            let names = PairedMetric.names.joined(separator: ", ")
            fields.report("metric", "must be one of \(names) for a paired test")
        }
        if test.kind == .mcnemar, test.margin != 0 { fields.report("margin", "requires paired_bootstrap") }
        if rule.dataset != nil { fields.report("dataset", "cannot be used with a test, which compares the rows") }
        if rule.minimum != nil || rule.maximum != nil || rule.range != nil || rule.isStrict {
            fields.report("a test cannot have min, max, in or strict: use a separate rule")
        }
        if rule.direction == .lower { fields.report("direction", "must be higher for a test") }
        if test.margin != 0, rule.change != nil { fields.report("margin", "cannot be combined with max_regression") }
        switch rule.change {
        case nil, .maxRegression: break
        default: fields.report("a test can have margin, or max_regression for a guard, but no other change")
        }
    }

    private static func change(_ fields: PolicyFields) -> PolicyRule.Change? {
        let bounds = 0.0 ... .greatestFiniteMagnitude
        let found: [PolicyRule.Change] = [
            fields.number("min_delta", bounds).map { .minDelta($0) },
            fields.number("max_regression", bounds).map { .maxRegression($0) },
            fields.number("min_rel_delta", bounds).map { .minRelativeDelta($0) },
        ].compactMap { $0 }
        if found.count > 1 { fields.report("has more than one change: use a separate rule for each") }
        return found.first
    }

    private static func test(_ fields: PolicyFields, _ rule: PolicyRule) -> PolicyRule.Test? {
        let kind = fields.word("test", PolicyRule.Test.Kind.self)
        let alpha = fields.number("alpha", 1e-9...0.5)
        let margin = fields.number("margin", 0...1e9)
        let resamples = fields.integer("resamples", 100...100_000)
        let spends = fields.flag("spend_alpha")
        guard let kind else {
            for (key, isThere) in [
                ("alpha", alpha != nil), ("margin", margin != nil), ("resamples", resamples != nil),
                ("spend_alpha", spends != nil),
            ]
            where isThere { fields.report(key, "requires test:") }
            return nil
        }
        var test = PolicyRule.Test(kind: kind)
        test.alpha = alpha ?? test.alpha
        test.margin = margin ?? test.margin
        test.resamples = resamples ?? test.resamples
        test.spendsAlpha = spends ?? false
        return test
    }

    private static func range(_ fields: PolicyFields) -> ClosedRange<Double>? {
        guard let nodes = fields.list("in") else { return nil }
        let numbers = nodes.compactMap(PolicyFields.number)
        guard nodes.count == 2, numbers.count == 2, numbers[0] < numbers[1] else {
            fields.report("in", "must be a list of two numbers, the lower one first")
            return nil
        }
        return numbers[0]...numbers[1]
    }

    private static func slice(_ fields: PolicyFields) -> PolicyRule.Slice? {
        guard let text = fields.text("by") else { return nil }
        let halves = text.dropFirst("slice:".count).split(separator: "=", maxSplits: 1)
        guard text.hasPrefix("slice:"), halves.count == 2 else {
            fields.report("by", "must be slice:COLUMN=VALUE, or slice:COLUMN=* for every value")
            return nil
        }
        return .init(column: String(halves[0]), value: halves[1] == "*" ? nil : String(halves[1]))
    }
}

extension PromotionPolicy {
    /// What is allowed and yet likely a mistake: each in a sentence.
    package var warnings: [String] {
        rules.compactMap { rule in
            let name = rule.metric.lowercased()
            if name.hasPrefix("train") || name.hasPrefix("training_") {
                return
                    "rule '\(rule.id)' judges by '\(rule.metric)', which is measured on the rows that were trained on"
            }
            if case .minDelta(0) = rule.change, !rule.isStrict {
                return "rule '\(rule.id)' passes a candidate that is exactly as good; add strict: true to ask for more"
            }
            return nil
        }
    }
}
