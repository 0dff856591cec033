@testable import BalanceCore

/// Cases to judge, with little to write.
enum PolicyCases {
    static let now = Timestamp(milliseconds: 1_750_000_000_000)

    static func facts(_ metrics: [(String, Double)], version: Int = 2, data: String? = "d1") -> VersionFacts {
        var facts = VersionFacts(
            version: version,
            runID: nil,
            digest: "digest-\(version)",
            metrics: metrics.map { Metric($0.0, $0.1) }
        )
        facts.dataset = data.map { DatasetReference(name: "test", digest: $0) }
        facts.runStatus = "FINISHED"
        facts.evaluatedAt = now
        return facts
    }

    static func make(
        _ candidate: [(String, Double)],
        _ current: [(String, Double)]?,
        _ change: (inout PromotionCase) -> Void = { _ in }
    ) -> PromotionCase {
        var made = PromotionCase(
            model: "m",
            generation: 4,
            candidate: facts(candidate),
            current: current.map { facts($0, version: 1) },
            now: now
        )
        change(&made)
        return made
    }

    static func policy(_ lines: String) throws -> PromotionPolicy {
        try PromotionPolicy(parsing: "apiVersion: balanceops/v1\nname: p\n" + lines)
    }

    /// One rule: half a point more.
    static func gain(_ more: String = "") throws -> PromotionPolicy {
        try policy("rules:\n  - {id: gain, metric: acc, vs: current, min_delta: 0.005}\n" + more)
    }

    /// A table of rows, of which some are wrong for each model.
    static func table(_ count: Int, wrong: Set<Int>, positives: Int? = nil) throws -> PredictionTable {
        let labels = (0..<count).map { $0 < (positives ?? count / 2) ? "1" : "0" }
        let predictions = (0..<count).map { wrong.contains($0) ? (labels[$0] == "1" ? "0" : "1") : labels[$0] }
        return try PredictionTable(ids: (0..<count).map(String.init), labels: labels, predictions: predictions)
    }

    static func judged(
        _ policy: PromotionPolicy,
        _ candidate: PredictionTable,
        _ current: PredictionTable,
        attempt: Int = 1
    ) -> Decision {
        policy.decide(
            make([("acc", 0.9)], [("acc", 0.8)]) { facts in
                facts.evidence = PolicyEvidence(
                    policy,
                    candidate: (candidate, "c"),
                    current: (current, "d"),
                    attempt: attempt
                )
            }
        )
    }
}

extension Decision {
    func result(_ id: String) -> RuleResult? { rules.first { $0.id == id } }
}
