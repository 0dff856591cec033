/// The written rules that a candidate must satisfy to replace the current model; docs/policies.md has its language.
package struct PromotionPolicy: Sendable, Hashable {
    /// What holds while no model serves; rules that look at no other model apply always.
    package enum OnFirst: String, Sendable, CaseIterable { case allow, requireAbsolute = "require_absolute", manual }
    /// What a metric means that the candidate did not log.
    package enum OnMissing: String, Sendable, CaseIterable { case fail, inconclusive, legacyZero = "legacy_zero" }
    /// What holds where the current model's own facts cannot be compared with.
    package enum OnBroken: String, Sendable, CaseIterable { case hold, treatAsFirst = "treat_as_first" }
    /// How numbers are compared: as the decimals that they are written as, or as binary doubles.
    package enum Comparison: String, Sendable, CaseIterable { case decimal, ieee }
    /// Whether the rules decide, or a person does.
    package enum Mode: String, Sendable, CaseIterable { case all, manual }

    /// What must be true of the data that the candidate was judged on.
    package struct DataConditions: Sendable, Hashable {
        package var sameAsCurrent = false
        package var minRows: Int?
        package var minPerClass: Int?
        /// In seconds.
        package var maxAge: Int?
        /// The artifact of the run with the predictions row by row.
        package var predictions = "predictions.csv"
        /// The label that counts as positive; nil: the one that is written as 1 or true.
        package var positive: String?

        package init() {}
    }

    /// What must be true of the version besides its metrics.
    package struct Requirements: Sendable, Hashable {
        package var tags: [KeyValue] = []
        package var artifacts: [String] = []
        package var signatureCompatible = false
        package var runStatus: String?
        package var selfTest = false
        /// The 95th percentile of the time that a row takes in the self-test, in milliseconds.
        package var maxLatency: Double?

        package init() {}
    }

    /// How soon and how often may be tried again.
    package struct Cooldown: Sendable, Hashable {
        /// In seconds.
        package var afterPromotion: Int?
        /// In seconds; for the version that was rolled back.
        package var afterRollback: Int?
        package var maxAttempts: Int?

        package init() {}
    }

    /// Whose word is needed.
    package struct ApprovalNeed: Sendable, Hashable {
        package var required = 1
        package var roles: [String] = []
        package var notAuthor = true
        /// In seconds.
        package var expires = 7 * 86_400

        package init() {}
    }

    package var name: String
    package var onFirst = OnFirst.requireAbsolute
    package var onMissingMetric = OnMissing.fail
    package var onBrokenCurrent = OnBroken.hold
    package var compare = Comparison.decimal
    package var mode = Mode.all
    package var clauses: [PolicyClause] = []
    package var data = DataConditions()
    package var require = Requirements()
    package var cooldown = Cooldown()
    package var approval: ApprovalNeed?

    package init(name: String) { self.name = name }

    package static let apiVersion = "balanceops/v1"

    package var rules: [PolicyRule] { clauses.flatMap(\.rules) }

    /// Whether the candidate's file is to be loaded and timed.
    package var asksForSelfTest: Bool { require.selfTest || require.maxLatency != nil }

    /// Whether it matters how many candidates were tested on the same data.
    package var countsLooks: Bool { cooldown.maxAttempts != nil || rules.contains { $0.test != nil } }

    /// The whole policy with nothing left to defaults, as it is kept and hashed.
    package var json: JSONValue {
        var data: [(String, JSONValue)] = [("predictions", .string(self.data.predictions))]
        if self.data.sameAsCurrent { data.append(("same_fingerprint_as", "current")) }
        if let positive = self.data.positive { data.append(("positive", .string(positive))) }
        if let rows = self.data.minRows { data.append(("min_rows", .int(rows))) }
        if let rows = self.data.minPerClass { data.append(("min_per_class", .int(rows))) }
        if let age = self.data.maxAge { data.append(("max_age", .string(Self.duration(age)))) }
        var members: [(String, JSONValue)] = [
            ("apiVersion", .string(Self.apiVersion)), ("name", .string(name)), ("mode", .string(mode.rawValue)),
            ("on_first", .string(onFirst.rawValue)), ("on_missing_metric", .string(onMissingMetric.rawValue)),
            ("on_broken_current", .string(onBrokenCurrent.rawValue)), ("compare", .string(compare.rawValue)),
            ("rules", .array(clauses.map(\.json))), ("data", .object(data)), ("require", requirements),
            ("cooldown", cooldowns),
        ]
        if let approval {
            let need: [(String, JSONValue)] = [
                ("required", .int(approval.required)), ("roles", .strings(approval.roles)),
                ("not_author", .bool(approval.notAuthor)), ("expires", .string(Self.duration(approval.expires))),
            ]
            members.append(("approval", .object(need)))
        }
        return .object(members)
    }

    /// SHA-256 of the canonical text: two policies with the same hash decide the same.
    package var hash: String { ContentHash.of(json) }

    private var requirements: JSONValue {
        var members: [(String, JSONValue)] = []
        if !require.tags.isEmpty {
            members.append(("tags", .object(require.tags.map { ($0.key, .string($0.value)) })))
        }
        if !require.artifacts.isEmpty { members.append(("artifacts", .strings(require.artifacts))) }
        if require.signatureCompatible { members.append(("signature_compatible", .bool(true))) }
        if let status = require.runStatus { members.append(("run_status", .string(status))) }
        if require.selfTest { members.append(("self_test", .bool(true))) }
        if let latency = require.maxLatency { members.append(("max_latency_ms", .double(latency))) }
        return .object(members)
    }

    private var cooldowns: JSONValue {
        var members: [(String, JSONValue)] = []
        if let seconds = cooldown.afterPromotion {
            members.append(("after_promotion", .string(Self.duration(seconds))))
        }
        if let seconds = cooldown.afterRollback { members.append(("after_rollback", .string(Self.duration(seconds)))) }
        if let attempts = cooldown.maxAttempts { members.append(("max_attempts_per_dataset", .int(attempts))) }
        return .object(members)
    }

    /// Seconds in the largest unit that they fill.
    static func duration(_ seconds: Int) -> String {
        for (unit, size) in [("d", 86_400), ("h", 3600), ("m", 60)] where seconds % size == 0 && seconds > 0 {
            return "\(seconds / size)\(unit)"
        }
        return "\(seconds)s"
    }
}

extension PromotionPolicy {
    /// The rules of the original, compared as decimals: half a point more `bal_acc`, at most one point less `recall_1`.
    package static let standard = PromotionPolicy(shipped: "default") { _ in }

    /// What the original does, bit for bit: binary doubles, a missing metric counts as 0, the first candidate is promoted.
    package static let original = PromotionPolicy(shipped: "legacy-original") {
        $0.compare = .ieee
        $0.onMissingMetric = .legacyZero
    }

    /// The policies that need not be written.
    package static let shipped = [standard, original]

    private init(shipped name: String, _ change: (inout PromotionPolicy) -> Void) {
        self.init(name: name)
        onFirst = .allow
        clauses = [
            .rule(PolicyRule(id: "acc-gain", metric: "bal_acc", direction: .higher, change: .minDelta(0.005))),
            .rule(PolicyRule(id: "rec-guard", metric: "recall_1", direction: .higher, change: .maxRegression(0.01))),
        ]
        change(&self)
    }
}
