import Testing

@testable import BalanceCore

struct DecisionPropertyTests {
    private func random(_ random: inout SplitMix) -> Double {
        switch random.next() % 12 {
        case 0: .nan
        case 1: -0.0
        case 2: 0
        case 3: .infinity
        case 4: Double(random.next() % 1000) / 1000
        default: Double(random.next() >> 11) * 0x1p-53
        }
    }

    @Test func `the same inputs give the same bytes`() throws {
        let policy = try PolicyCases.policy(
            """
            rules:
              - {id: a, metric: acc, vs: current, min_delta: 0.01}
              - {id: b, metric: auc, vs: current, max_regression: 0.02}
              - {id: t, test: paired_bootstrap, metric: acc, resamples: 100}
            """
        )
        var dice = SplitMix(state: 7)
        for _ in 0..<300 {
            let facts = PolicyCases.make(
                [("acc", random(&dice)), ("auc", random(&dice))],
                [("acc", random(&dice)), ("auc", random(&dice))]
            )
            #expect(policy.decide(facts).json.text() == policy.decide(facts).json.text())
            let kept = PromotionCase(try JSONValue(parsing: facts.json.text()))
            #expect(policy.decide(kept).json.text() == policy.decide(facts).json.text())
            #expect(kept.hash == facts.hash)
        }
    }

    @Test func `the original's policy is the original's rule, bit for bit`() {
        func rule(_ new: Double, _ old: Double, _ change: Double) -> Bool { new >= old + change }
        let exact = PolicyArithmetic(comparison: .ieee, direction: .higher)
        var dice = SplitMix(state: 11)
        var wrong = 0
        func check(_ new: Double, _ old: Double) {
            if exact.passes(.minDelta(0.005), strict: false, new, old) != rule(new, old, 0.005) { wrong += 1 }
            if exact.passes(.maxRegression(0.01), strict: false, new, old) != rule(new, old, -0.01) { wrong += 1 }
        }
        for _ in 0..<1_000_000 { check(random(&dice), random(&dice)) }
        for old in 0...999 { for new in 0...999 { check(Double(new) / 1000, Double(old) / 1000) } }
        #expect(wrong == 0)
    }

    @Test func `the original's policy decides as the original, with missing and NaN`() {
        let values: [Double?] = [nil, .nan, -0.0, 0, 0.004, 0.009, 0.69, 0.7, 0.8, 0.805, 0.81, .infinity]
        for acc in values {
            for recall in values {
                for (old, oldRecall) in [(0.8, 0.7), (.nan, 0.7), (0.004, 0.01), (0.8, 0.005)] {
                    let new = [("bal_acc", acc), ("recall_1", recall)].compactMap { key, value in
                        value.map { (key, $0) }
                    }
                    let facts = PolicyCases.make(new, [("bal_acc", old), ("recall_1", oldRecall)]) {
                        $0.current?.dataset = nil
                    }
                    let expected = (acc ?? 0) >= old + 0.005 && (recall ?? 0) >= oldRecall - 0.01
                    #expect(PromotionPolicy.original.decide(facts).promotes == expected)
                }
            }
        }
        #expect(PromotionPolicy.original.decide(PolicyCases.make([], [])).reason == "no current model yet")
        let better = PolicyCases.make([("bal_acc", 0.85), ("recall_1", 0.7)], [("bal_acc", 0.8), ("recall_1", 0.7)])
        #expect(PromotionPolicy.original.decide(better).reason == "improved bal_acc 0.8000->0.8500")
        let same = PolicyCases.make([("bal_acc", 0.8), ("recall_1", 0.7)], [("bal_acc", 0.8), ("recall_1", 0.7)])
        #expect(
            PromotionPolicy.original.decide(same).reason
                == "not enough improvement (bal 0.8000->0.8000, rec 0.7000->0.7000)"
        )
    }

    @Test(arguments: ["min_delta", "max_regression", "min_rel_delta"])
    func `a better metric is never worse, and a higher threshold never easier`(key: String) throws {
        var dice = SplitMix(state: 23)
        for _ in 0..<200 {
            let direction = dice.next() % 2 == 0 ? "higher" : "lower"
            let step = Double(dice.next() % 100) / 1000
            func policy(_ step: Double) throws -> PromotionPolicy {
                try PolicyCases.policy(
                    "rules:\n  - {metric: m, direction: \(direction), vs: current, \(key): \(step)}\n"
                )
            }
            let (old, new) = (Double(dice.next() % 1000) / 1000, Double(dice.next() % 1000) / 1000)
            let better = direction == "higher" ? new + 0.1 : new - 0.1
            let loose = try policy(step), tight = try policy(key == "max_regression" ? step / 2 : step * 2 + 0.001)
            let first = loose.decide(PolicyCases.make([("m", new)], [("m", old)])).promotes
            let improved = loose.decide(PolicyCases.make([("m", better)], [("m", old)])).promotes
            #expect(!first || improved)
            let tighter = tight.decide(PolicyCases.make([("m", new)], [("m", old)])).promotes
            #expect(first || !tighter)
        }
    }

    @Test func `decimals are compared without rounding`() throws {
        func exact(_ value: Double) throws -> ExactDecimal { try #require(ExactDecimal(value)) }
        #expect(try exact(0.3) - exact(0.1) == exact(0.2))
        #expect(try exact(1e308) + exact(1e-308) > exact(1e308))
        #expect(try exact(0.1) * exact(0.1) == exact(0.01))
        #expect(try exact(-0.0) == .zero)
        #expect(try (exact(1e22) - exact(1)).double == 1e22)
        #expect(ExactDecimal(.nan) == nil)
        var dice = SplitMix(state: 3)
        for _ in 0..<5000 {
            let value = Double(bitPattern: dice.next())
            guard value.isFinite else { continue }
            #expect(try exact(value).double == value)
        }
    }
}
