import BalanceCore
import Testing

struct PromotionPolicyTests {
    let current = [Metric("bal_acc", 0.8), Metric("recall_1", 0.7)]

    @Test(arguments: [
        (0.81, 0.7, true), (0.805, 0.69, true), (0.8049, 0.9, false), (0.9, 0.6899, false), (0.8, 0.7, false),
        (.nan, 0.7, false), (0.9, .nan, false), (.infinity, .infinity, true),
    ])
    func `a candidate needs a gain in bal_acc and may lose a little recall_1`(
        accuracy: Double,
        recall: Double,
        promotes: Bool
    ) {
        let candidate = [Metric("bal_acc", accuracy), Metric("recall_1", recall)]
        #expect(PromotionPolicy.standard.decide(candidate: candidate, current: current).promotes == promotes)
    }

    @Test func `the first candidate is promoted`() {
        for current in [nil, []] as [[Metric]?] {
            let decision = PromotionPolicy.standard.decide(candidate: [], current: current)
            #expect(decision.promotes)
            #expect(decision.reason == "no current model yet")
        }
    }

    @Test func `the reason shows four decimals`() {
        let better = [Metric("bal_acc", 0.85), Metric("recall_1", 0.7)]
        #expect(
            PromotionPolicy.standard.decide(candidate: better, current: current).reason
                == "improved bal_acc 0.8000->0.8500"
        )
        #expect(
            PromotionPolicy.standard.decide(candidate: current, current: current).reason
                == "not enough improvement (bal 0.8000->0.8000, rec 0.7000->0.7000)"
        )
    }

    @Test func `every rule gives a verdict with its bound`() {
        let candidate = [Metric("bal_acc", 0.9)]
        let decision = PromotionPolicy.standard.decide(candidate: candidate, current: current)
        #expect(decision.verdicts.map(\.passed) == [true, false])
        #expect(decision.verdicts[1].candidate == 0, "a metric that was never logged counts as 0")
        #expect(abs(decision.verdicts[0].bound - 0.805) < 1e-12)
    }
}
