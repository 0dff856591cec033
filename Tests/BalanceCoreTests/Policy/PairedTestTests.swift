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
        let found = SwapTest.sign(wins: won, losses: pairs - won)
        #expect(abs(found - expected) <= 1e-12 * max(expected, 1e-30) || abs(found - expected) < 1e-13)
    }

    /// Numbers of a second implementation, in Python, that was compared with enumerations.
    static func reference(_ kind: String) throws -> [JSONValue] {
        let path =
            "\(#filePath.prefix(upTo: #filePath.range(of: "/BalanceCoreTests/")?.lowerBound ?? #filePath.endIndex))"
        let bytes = try #require(FileManager.default.contents(atPath: path + "/Fixtures/paired_tests.json"))
        let cases = try #require(try JSONValue(parsing: Array(bytes))["cases"]?.elements)
        return cases.filter { $0["kind"]?.string == kind }
    }

    private func expect(_ gain: PairedGain, _ expected: JSONValue) throws {
        let name = expected["name"]?.string ?? ""
        let chance = gain.chance(margin: expected["margin"]?.number ?? 0)
        let bounds = gain.bounds(try #require(expected["alpha"]?.number))
        #expect(abs(chance - (expected["chance"]?.number ?? .nan)) < 1e-8, "chance of \(name)")
        #expect(abs(bounds.lower - (expected["lower"]?.number ?? .nan)) < 1e-9, "lower of \(name)")
        #expect(abs(bounds.upper - (expected["upper"]?.number ?? .nan)) < 1e-9, "upper of \(name)")
    }

    private func counts(_ json: JSONValue, _ names: [String]) throws -> [Int] {
        try (json.elements?.compactMap(\.integer) ?? names.map { try #require(json[$0]?.integer) })
    }

    private func stratum(_ json: JSONValue) throws -> SwapTest.Stratum {
        let numbers = try counts(json, ["wins", "losses", "rows"])
        return .init(wins: numbers[0], losses: numbers[1], rows: numbers[2])
    }

    private func side(_ json: JSONValue?) throws -> PairedRatio.Side {
        let numbers = try counts(#require(json), ["both", "candidate", "current", "rows"])
        return .init(both: numbers[0], candidate: numbers[1], current: numbers[2], rows: numbers[3])
    }

    @Test func `differences are those of the reference`() throws {
        for expected in try Self.reference("difference") { try expect(.proportion(stratum(expected)), expected) }
    }

    @Test func `means over classes are those of the reference`() throws {
        for expected in try Self.reference("bal_acc") {
            let strata = try #require(expected["strata"]?.elements).map(stratum)
            #expect(abs(SwapTest.sum(strata) - (expected["swap"]?.number ?? .nan)) < 1e-9)
            try expect(.mean(strata), expected)
        }
    }

    @Test(arguments: ["f1", "precision"])
    func `ratios are those of the reference`(kind: String) throws {
        for expected in try Self.reference(kind) {
            let ratio = PairedRatio(
                isF1: kind == "f1",
                hits: try side(expected["hits"]),
                alarms: try side(expected["alarms"])
            )
            #expect(abs(ratio.chance - (expected["swap"]?.number ?? .nan)) < 1e-9)
            try expect(.ratio(ratio), expected)
        }
    }

    @Test func `a guard does not pass by ignorance`() throws {
        // Of 50 rows of which none differs, a loss of 5.8 % would go unseen once in twenty.
        let nothing = SwapTest.Stratum(wins: 0, losses: 0, rows: 50)
        #expect(abs(PairedBounds.lower(nothing, 0.05) + (1 - pow(0.05, 1.0 / 50))) < 1e-9)
        let guarded = try PolicyCases.policy(
            "rules:\n  - {id: g, test: paired_bootstrap, metric: recall_1, max_regression: 0.03}\n"
        )
        let same = try PolicyCases.table(100, wrong: [])
        #expect(PolicyCases.judged(guarded, same, same).outcome == .reject)
        let many = try PolicyCases.table(1000, wrong: [])
        #expect(PolicyCases.judged(guarded, many, many).outcome == .promote)
    }

    @Test func `a test says the same under another id, and for another policy`() throws {
        func p(_ id: String, _ more: String = "") throws -> Double? {
            let policy = try PolicyCases.policy(
                "rules:\n  - {id: \(id), test: paired_bootstrap, metric: bal_acc\(more)}\n"
            )
            return PolicyCases.judged(
                policy,
                try PolicyCases.table(300, wrong: [1, 5, 200]),
                try PolicyCases.table(300, wrong: [2, 9, 77, 180])
            ).result(id)?.chance
        }
        #expect(try p("a") == p("b"))
        #expect(try p("a") == p("a", ", min_rows: 10"))
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

    @Test func `of two models that are equally good seldom one passes`() throws {
        let rule = try #require(
            PolicyCases.policy("rules:\n  - {id: t, test: paired_bootstrap, metric: bal_acc}\n").rules.first
        )
        var dice = SplitMix(state: 5)
        var passed = 0
        // A debug build takes a tenth of a second for each.
        let trials = ProcessInfo.processInfo.environment["BALANCEOPS_TEST_EFFORT"] == "1" ? 1000 : 300
        let roles = ClassRoles(classes: ["0", "1"], named: nil)
        for _ in 0..<trials {
            var wrong: (Set<Int>, Set<Int>) = ([], [])
            for row in 0..<200 {
                if dice.next() % 100 < 15 { wrong.0.insert(row) }
                if dice.next() % 100 < 15 { wrong.1.insert(row) }
            }
            let rows = try #require(
                PairedRows(PolicyCases.table(200, wrong: wrong.0), PolicyCases.table(200, wrong: wrong.1), roles)
            )
            if PairedTest.run(rule, rows, alpha: 0.05)?.chance ?? 1 <= 0.05 { passed += 1 }
        }
        #expect(Double(passed) / Double(trials) <= (trials == 1000 ? 0.065 : 0.08), "\(passed) of \(trials)")
    }

    @Test func `predictions that are no classes are refused, with the value and the labels`() throws {
        let policy = try PolicyCases.policy("rules:\n  - {id: t, test: paired_bootstrap, metric: acc}\n")
        for (right, wrong) in [("0.9", "0.2"), ("True", "False")] {
            var table = try PolicyCases.table(100, wrong: [])
            table.predictions = table.labels.map { $0 == "1" ? right : wrong }
            let decision = PolicyCases.judged(policy, try PolicyCases.table(100, wrong: []), table)
            #expect(decision.outcome == .hold)
            #expect(decision.result("t")?.reason.contains("the prediction '\(right)'") == true)
            #expect(decision.result("t")?.reason.contains("(0, 1)") == true)
        }
    }

    @Test func `the positive class is named where it is not 1`() throws {
        func table(_ classes: [String]) throws -> PredictionTable {
            let labels = (0..<60).map { classes[$0 % classes.count] }
            return try PredictionTable(ids: (0..<60).map(String.init), labels: labels, predictions: labels)
        }
        let rule = "rules:\n  - {id: t, test: paired_bootstrap, metric: recall_1, max_regression: 0.2}\n"
        for classes in [["good", "bad"], ["0", "1", "2", "3", "4"]] {
            let rows = try table(classes)
            let asks = PolicyCases.judged(try PolicyCases.policy(rule), rows, rows)
            #expect(asks.outcome == .hold)
            #expect(asks.result("t")?.next?.contains("data: {positive:") == true)
            let named = try PolicyCases.policy(rule + "data: {positive: \(classes[1])}\n")
            #expect(PolicyCases.judged(named, rows, rows).result("t")?.rows == 60)
        }
    }

    @Test func `rows in another order are the same rows, other labels are not`() throws {
        let table = try PredictionTable(ids: ["a", "b"], labels: ["0", "1"], predictions: ["0", "1"])
        let turned = try PredictionTable(ids: ["b", "a"], labels: ["1", "0"], predictions: ["1", "1"])
        let other = try PredictionTable(ids: ["a", "b"], labels: ["1", "1"], predictions: ["0", "1"])
        #expect(table.fingerprint == turned.fingerprint)
        #expect(table.fingerprint != other.fingerprint)
        let roles = ClassRoles(classes: ["0", "1"], named: nil)
        #expect(PairedRows(table, turned, roles)?.count == 2)
        #expect(PairedRows(table, other, roles) == nil)
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
