import Foundation
import Testing

@testable import BalanceCore

struct PairedTestTests {
    /// Values of scipy.stats.binomtest(k, n, alternative="greater").pvalue.
    @Test(arguments: [
        (1, 1, 0.5), (8, 10, 0.0546875), (60, 100, 0.02844396682049039), (500, 1000, 0.5126125090890802),
        (5200, 10000, 3.2967577993361714e-05), (0, 7, 1.0), (7, 7, 0.0078125), (99, 100, 7.967495142732219e-29),
    ])
    func `the exact test is scipy's`(won: Int, pairs: Int, expected: Double) {
        let found = BinomialTest.upperTail(won, of: pairs)
        #expect(abs(found - expected) <= 1e-12 * max(expected, 1e-30) || abs(found - expected) < 1e-13)
    }

    @Test func `bounds of a share are those of Clopper and Pearson`() {
        // scipy.stats.binomtest(8, 10).proportion_ci(0.90, "exact")
        let bounds = BinomialTest.bounds(8, of: 10, alpha: 0.05)
        #expect(abs(bounds.lower - 0.4930987) < 1e-6)
        #expect(abs(bounds.upper - 0.9632288) < 1e-6)
        #expect(BinomialTest.bounds(0, of: 10, alpha: 0.05).lower == 0)
        #expect(BinomialTest.bounds(10, of: 10, alpha: 0.05).upper == 1)
    }

    @Test func `a gain that is plain is shown, and a small one is not`() throws {
        let policy = try PolicyCases.policy(
            "rules:\n  - {id: b, test: paired_bootstrap, metric: bal_acc}\n  - {id: m, test: mcnemar, metric: acc}\n"
        )
        let current = try PolicyCases.table(400, wrong: Set(stride(from: 0, to: 400, by: 4)))
        let better = try PolicyCases.table(400, wrong: Set(stride(from: 0, to: 400, by: 8)))
        let shown = PolicyCases.judged(policy, better, current)
        #expect(shown.outcome == .promote)
        #expect(shown.result("b").flatMap(\.interval).map { $0.contains(0.125) } == true)
        let barely = try PolicyCases.table(400, wrong: Set(stride(from: 0, to: 396, by: 4)))
        #expect(PolicyCases.judged(policy, barely, current).outcome == .reject)
    }

    @Test func `the same draws come out each time, and other ones for other files`() throws {
        let rule = try #require(
            PolicyCases.policy("rules:\n  - {id: t, test: paired_bootstrap, metric: bal_acc}\n").rules.first
        )
        let rows = try #require(
            PairedRows(PolicyCases.table(300, wrong: [1, 5, 200]), PolicyCases.table(300, wrong: [2, 9, 77, 180]))
        )
        let first = PairedTest.run(rule, rows, alpha: 0.05, seed: 1)
        #expect(first == PairedTest.run(rule, rows, alpha: 0.05, seed: 1))
        #expect(first?.chance != PairedTest.run(rule, rows, alpha: 0.05, seed: 2)?.chance)
    }

    @Test func `of two models that are equally good seldom one passes`() throws {
        let rule = try #require(
            PolicyCases.policy("rules:\n  - {id: t, test: paired_bootstrap, metric: acc, resamples: 200}\n").rules.first
        )
        var dice = SplitMix(state: 5)
        var passed = 0
        let trials = 1000
        for trial in 0..<trials {
            var wrong: (Set<Int>, Set<Int>) = ([], [])
            for row in 0..<200 {
                if dice.next() % 100 < 15 { wrong.0.insert(row) }
                if dice.next() % 100 < 15 { wrong.1.insert(row) }
            }
            let rows = try #require(
                PairedRows(PolicyCases.table(200, wrong: wrong.0), PolicyCases.table(200, wrong: wrong.1))
            )
            let outcome = PairedTest.run(rule, rows, alpha: 0.05, seed: UInt64(trial))
            if (outcome?.lower ?? 0) > 0 { passed += 1 }
        }
        #expect(Double(passed) / Double(trials) <= 0.065, "\(passed) of \(trials)")
    }

    @Test func `a closed form stands in for too many draws`() throws {
        var rule = try #require(
            PolicyCases.policy("rules:\n  - {id: t, test: paired_bootstrap, metric: bal_acc}\n").rules.first
        )
        rule.test?.resamples = 100_000
        let rows = try #require(
            PairedRows(PolicyCases.table(2000, wrong: Set(0..<100)), PolicyCases.table(2000, wrong: Set(50..<400)))
        )
        let normal = try #require(PairedTest.run(rule, rows, alpha: 0.05, seed: 1))
        #expect(normal.method == "normal")
        rule.test?.resamples = 2000
        let drawn = try #require(PairedTest.run(rule, rows, alpha: 0.05, seed: 1))
        #expect(abs(normal.lower - drawn.lower) < 0.003)
    }

    @Test func `rows in another order are the same rows, other labels are not`() throws {
        let table = try PredictionTable(ids: ["a", "b"], labels: ["0", "1"], predictions: ["0", "1"])
        let turned = try PredictionTable(ids: ["b", "a"], labels: ["1", "0"], predictions: ["1", "1"])
        let other = try PredictionTable(ids: ["a", "b"], labels: ["1", "1"], predictions: ["0", "1"])
        #expect(table.fingerprint == turned.fingerprint)
        #expect(table.fingerprint != other.fingerprint)
        #expect(PairedRows(table, turned)?.count == 2)
        #expect(PairedRows(table, other) == nil)
        #expect(throws: Failure.self) {
            try PredictionTable(ids: ["a", "a"], labels: ["0", "1"], predictions: ["0", "1"])
        }
    }

    @Test func `many slices give chance no more tries`() throws {
        let rule = "{id: s, test: mcnemar, metric: acc, by: \"slice:g=*\"}"
        let policy = try PolicyCases.policy("rules:\n  - \(rule)\n")
        func table(_ wrong: Set<Int>) throws -> PredictionTable {
            var table = try PolicyCases.table(200, wrong: wrong)
            table.columns["g"] = (0..<200).map { "g\($0 % 4)" }
            return table
        }
        // In each slice 5 of 5 differing rows are the candidate's: 1/32 each, which four slices at 0.05 do not allow.
        let current = try table(Set((0..<20)))
        let decision = PolicyCases.judged(policy, try table([]), current)
        #expect(decision.rules.filter { $0.id.hasPrefix("s/") }.map(\.verdict) == [.fail, .fail, .fail, .fail])
        #expect(decision.rules.first?.chance == 0.03125)
    }
}
