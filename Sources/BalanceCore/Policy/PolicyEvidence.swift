/// What the predictions row by row say, as far as a policy asks: computed before a decision, and kept with it.
package struct PolicyEvidence: Sendable, Hashable {
    /// The rows that a model was judged on.
    package struct Rows: Sendable, Hashable {
        package var fingerprint: String
        package var count: Int
        /// How many rows each class has.
        package var classes: [String: Int]
    }

    /// A metric of some rows.
    package struct SliceValue: Sendable, Hashable {
        var value: String
        var candidate: Double?
        var current: Double?
        var rows: Int
    }

    package var candidate: Rows?
    package var current: Rows?
    /// Why predictions that the policy asks for could not be used.
    package var problems: [String] = []
    /// By the rule's id; of a rule over slices by `id/value`.
    package var tests: [String: PairedOutcome] = [:]
    /// By the rule's id.
    package var slices: [String: [SliceValue]] = [:]
    /// What the candidate's rows give for the metrics of the rules.
    package var metrics: [String: Double] = [:]

    /// How many slices were asked for; no part of what is kept.
    private var sliceCount = 0
    private static let maximumSlices = 1000

    package init() {}

    /// Computes what the rules of a policy ask of the predictions.
    ///
    /// - Parameters:
    ///   - policy: The policy.
    ///   - candidate: The candidate's predictions, with their digest.
    ///   - current: Those of the current model.
    ///   - attempt: The how-manieth candidate this is on its data set.
    package init(
        _ policy: PromotionPolicy,
        candidate: (table: PredictionTable, digest: String)?,
        current: (table: PredictionTable, digest: String)?,
        attempt: Int
    ) {
        self.candidate = candidate.map { Self.rows($0.table) }
        self.current = current.map { Self.rows($0.table) }
        let strays = [("the candidate", candidate), ("the current model", current)].compactMap { who, file in
            file.flatMap { Self.stray(who, $0.table, policy) }
        }
        problems = strays
        guard strays.isEmpty, let candidate else { return }
        let same = self.candidate?.fingerprint == self.current?.fingerprint
        let roles = ClassRoles(classes: candidate.table.classes.keys.sorted(), named: policy.data.positive)
        for name in Set(policy.rules.map(\.metric)) where PairedMetric.names.contains(name) {
            metrics[name] = PairedMetric.value(name, of: candidate.table, roles)
        }
        for rule in policy.rules where rule.test != nil || rule.slice != nil {
            guard !Task.isCancelled else { continue }
            add(rule, candidate.table, same ? current?.table : nil, roles, attempt)
        }
    }

    /// Why predictions are none of the classes; nil where they are.
    private static func stray(_ who: String, _ table: PredictionTable, _ policy: PromotionPolicy) -> String? {
        guard let (row, prediction) = table.stray else { return nil }
        let labels = table.classes.keys.sorted()
        let list = labels.prefix(10).joined(separator: ", ") + (labels.count > 10 ? ", …" : "")
        return
            "\(policy.data.predictions) of \(who): the prediction '\(prediction.prefix(60))' of row '\(row.prefix(60))' is "
            + "none of the labels (\(list)); log the predicted class, written as the label is"
    }

    private mutating func add(
        _ rule: PolicyRule,
        _ candidate: PredictionTable,
        _ current: PredictionTable?,
        _ roles: ClassRoles,
        _ attempt: Int
    ) {
        let alpha = rule.alpha(attempt: attempt)
        guard let slice = rule.slice else {
            guard let current, let rows = PairedRows(candidate, current, roles) else { return }
            tests[rule.id] = PairedTest.run(rule, rows, alpha: alpha)
            return
        }
        guard let cells = candidate.columns[slice.column] else { return }
        let ours = Dictionary(grouping: cells.indices) { cells[$0] }
        let values = slice.value.map { [$0] } ?? ours.keys.sorted()
        sliceCount += values.count
        guard sliceCount <= Self.maximumSlices else {
            problems.append("\(slice.text) asks for more than \(Self.maximumSlices) slices, which are not judged")
            slices[rule.id] = [SliceValue(value: "*", candidate: nil, current: nil, rows: cells.count)]
            return
        }
        let others = current?.columns[slice.column] ?? []
        let theirs = Dictionary(grouping: others.indices) { others[$0] }
        // A slice that is left out takes no share of the chance of error.
        let judged = max(1, values.count { (ours[$0]?.count ?? 0) >= rule.skipBelow ?? 0 })
        var found: [SliceValue] = []
        for value in values where !Task.isCancelled {
            guard let part = try? candidate.rows(ours[value] ?? []) else { continue }
            let other = current.flatMap { try? $0.rows(theirs[value] ?? []) }
            // A model that calls another part by this name is not compared on it.
            let rows = other.flatMap { PairedRows(part, $0, roles) }
            found.append(
                SliceValue(
                    value: value,
                    candidate: PairedMetric.value(rule.metric, of: part, roles),
                    current: rows == nil ? nil : other.flatMap { PairedMetric.value(rule.metric, of: $0, roles) },
                    rows: part.ids.count
                )
            )
            guard rule.test != nil, let rows, part.ids.count >= rule.skipBelow ?? 0 else { continue }
            // A guard over several slices shares its chance of error among them; a gain is corrected by Holm's steps.
            let share = rule.change == nil ? alpha : alpha / Double(judged)
            tests["\(rule.id)/\(value)"] = PairedTest.run(rule, rows, alpha: share)
        }
        slices[rule.id] = found
    }

    private static func rows(_ table: PredictionTable) -> Rows {
        Rows(fingerprint: table.fingerprint, count: table.ids.count, classes: table.classes)
    }
}

extension PolicyRule {
    /// The chance of error that is left for an attempt: a hold-out that is asked often answers yes to somebody.
    func alpha(attempt: Int) -> Double {
        guard let test else { return 0 }
        return test.spendsAlpha ? test.alpha / (Double(attempt) * Double(attempt + 1)) : test.alpha
    }
}

extension PolicyEvidence {
    package var json: JSONValue {
        func rows(_ rows: Rows?) -> JSONValue {
            guard let rows else { return .null }
            return .object([
                ("fingerprint", .string(rows.fingerprint)), ("count", .int(rows.count)),
                ("classes", .object(rows.classes.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) })),
            ])
        }
        let slices = self.slices.sorted { $0.key < $1.key }.map { id, values in
            (
                id,
                JSONValue.array(
                    values.map { slice in
                        .object([
                            ("value", .string(slice.value)),
                            ("candidate", slice.candidate.map(JSONValue.double) ?? .null),
                            ("current", slice.current.map(JSONValue.double) ?? .null), ("rows", .int(slice.rows)),
                        ])
                    }
                )
            )
        }
        return .object(
            [
                ("candidate", rows(candidate)), ("current", rows(current)), ("problems", .strings(problems)),
                ("tests", .object(tests.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })),
                ("slices", .object(slices)),
            ]
                + (metrics.isEmpty
                    ? []
                    : [("metrics", .object(metrics.sorted { $0.key < $1.key }.map { ($0.key, .double($0.value)) }))])
        )
    }

    package init(_ json: JSONValue) {
        func rows(_ json: JSONValue?) -> Rows? {
            guard let json, let fingerprint = json["fingerprint"]?.string, let count = json["count"]?.integer else {
                return nil
            }
            let classes = (json["classes"]?.members ?? []).map { ($0.0, $0.1.integer ?? 0) }
            return Rows(fingerprint: fingerprint, count: count, classes: Dictionary(classes) { $1 })
        }
        candidate = rows(json["candidate"])
        current = rows(json["current"])
        problems = json["problems"]?.strings ?? []
        for (name, value) in json["metrics"]?.members ?? [] { metrics[name] = value.number }
        for (id, outcome) in json["tests"]?.members ?? [] { tests[id] = PairedOutcome(outcome) }
        for (id, values) in json["slices"]?.members ?? [] {
            slices[id] = values.elements?.map { slice in
                SliceValue(
                    value: slice["value"]?.string ?? "",
                    candidate: slice["candidate"]?.number,
                    current: slice["current"]?.number,
                    rows: slice["rows"]?.integer ?? 0
                )
            }
        }
    }
}
