import Testing

@testable import BalanceCore

/// The situations that a policy must have an answer to.
struct EdgeCaseTests {
    @Test(arguments: [
        ("allow", Decision.Outcome.reject), ("require_absolute", .reject), ("manual", .hold),
    ])
    func `with no current model the policy says what holds`(first: String, outcome: Decision.Outcome) throws {
        let policy = try PolicyCases.policy(
            "on_first: \(first)\nrules:\n  - {metric: acc, vs: current, min_delta: 0.1}\n  - {id: floor, metric: acc, min: 0.9}\n"
        )
        let decision = policy.decide(PolicyCases.make([("acc", first == "manual" ? 0.95 : 0.5)], nil))
        #expect(decision.outcome == outcome)
        #expect(decision.rules[0].verdict == .skipped)
    }

    @Test func `a decision of the first edition is made again as it was made`() throws {
        let policy = try PolicyCases.policy("on_first: allow\nrules:\n  - {id: floor, metric: acc, min: 0.9}\n")
        var old = PolicyCases.make([("acc", 0.5)], nil)
        #expect(policy.decide(old).outcome == .reject)
        old.edition = 1
        #expect(policy.decide(old).outcome == .promote)
        let again = PromotionCase(try JSONValue(parsing: old.json.text()))
        #expect(again.hash == old.hash)
    }

    @Test func `without a word about the first, rules that compare with nothing hold`() throws {
        let policy = try PolicyCases.policy("rules:\n  - {id: floor, metric: acc, min: 0.9}\n")
        #expect(policy.onFirst == .requireAbsolute)
        #expect(policy.decide(PolicyCases.make([("acc", 0.5)], nil)).outcome == .reject)
        let relative = try PolicyCases.gain().decide(PolicyCases.make([("acc", 0.5)], nil))
        #expect(relative.outcome == .promote)
        #expect(relative.warnings.contains { $0.contains("nothing was judged") })
    }

    @Test func `the current model's value has to be possible too`() throws {
        let policy = try PolicyCases.policy(
            "rules:\n  - {metric: mape, direction: lower, vs: current, min_delta: 0, in: [0, 1]}\n"
        )
        let decision = policy.decide(PolicyCases.make([("mape", 0.13)], [("mape", 12)]))
        #expect(decision.rules.first?.verdict == .error)
        #expect(decision.outcome == .hold)
    }

    @Test func `a rule that fails rejects, whatever else is in error`() throws {
        let policy = try PolicyCases.policy(
            "rules:\n  - {metric: acc, min: 0.7, in: [0, 1]}\n  - {id: f, metric: f1, min: 0.7}\n"
        )
        #expect(policy.decide(PolicyCases.make([("acc", 83), ("f1", 0.1)], nil)).outcome == .reject)
        #expect(policy.decide(PolicyCases.make([("acc", 83), ("f1", 0.8)], nil)).outcome == .hold)
    }

    @Test func `a metric that the rows contradict is an error`() throws {
        let policy = try PolicyCases.policy("rules:\n  - {metric: acc, min: 0.7}\n")
        let half = try PolicyCases.table(100, wrong: Set(0..<50))
        #expect(
            PolicyCases.judged(policy, half, half).rules.first?.reason.contains("predictions.csv gives 0.5000") == true
        )
        let tenth = try PolicyCases.table(100, wrong: Set(0..<10))
        #expect(PolicyCases.judged(policy, tenth, tenth).outcome == .promote)
    }

    @Test func `small slices are left out where the rule says so`() throws {
        let rule = "by: \"slice:g=*\", min: 0.5, min_rows: 10, skip_below: 10"
        let policy = try PolicyCases.policy("rules:\n  - {id: s, metric: acc, \(rule)}\n")
        var table = try PolicyCases.table(40, wrong: Set(0..<4))
        table.columns["g"] = (0..<40).map { $0 < 35 ? "a" : "b" }
        let decision = PolicyCases.judged(policy, table, table)
        #expect(decision.result("s/b")?.verdict == .skipped)
        #expect(decision.outcome == .promote)
    }

    @Test func `where the data is not known, no candidate is the first`() throws {
        let policy = try PolicyCases.gain("cooldown: {max_attempts_per_dataset: 1}\n")
        let unknown = PolicyCases.make([("acc", 0.9)], [("acc", 0.8)]) { $0.history.knowsData = false }
        #expect(policy.decide(unknown).outcome == .hold)
    }

    @Test(arguments: [("fail", Decision.Outcome.reject), ("inconclusive", .hold)])
    func `a metric that the candidate never logged is no zero`(word: String, outcome: Decision.Outcome) throws {
        let policy = try PolicyCases.gain("on_missing_metric: \(word)\n")
        #expect(policy.decide(PolicyCases.make([], [("acc", -1)])).outcome == outcome)
    }

    @Test func `a metric that the current model never logged holds and says what to do`() throws {
        let decision = try PolicyCases.gain().decide(PolicyCases.make([("acc", 0.9)], [("auc", 0.9)]))
        #expect(decision.outcome == .hold)
        #expect(decision.next.first?.contains("evaluate version 1 on data d1") == true)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `a candidate that is not finite fails`(value: Double) throws {
        let decision = try PolicyCases.gain().decide(PolicyCases.make([("acc", value)], [("acc", 0.5)]))
        #expect(decision.outcome == .reject)
        #expect(decision.rules[0].reason.contains("\(value)"))
    }

    @Test(arguments: [Double.nan, .infinity])
    func `a broken current model neither blocks nor passes, and a person or the policy resolves it`(
        value: Double
    ) throws {
        let facts = PolicyCases.make([("acc", 0.9)], [("acc", value)])
        let held = try PolicyCases.gain().decide(facts)
        #expect(held.outcome == .hold)
        #expect(held.warnings.contains { $0.contains("broken") })
        #expect(try PolicyCases.gain("on_broken_current: treat_as_first\n").decide(facts).outcome == .promote)
    }

    @Test func `a current model whose file is gone is broken too`() throws {
        let facts = PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) { $0.current?.problem = "its file is gone" }
        #expect(try PolicyCases.gain("on_broken_current: treat_as_first\n").decide(facts).outcome == .promote)
    }

    @Test func `an exact tie passes as decimals, whatever binary fractions make of it`() throws {
        let policy = try PolicyCases.gain()
        for thousandth in 0...990 {
            let (old, new) = (Double(thousandth) / 1000, Double(thousandth + 5) / 1000)
            let decision = policy.decide(PolicyCases.make([("acc", new)], [("acc", old)]))
            #expect(decision.outcome == .promote, "\(old) -> \(new)")
        }
        #expect(policy.decide(PolicyCases.make([("acc", 0.0089)], [("acc", 0.004)])).outcome == .reject)
    }

    @Test func `strict asks for more than a tie`() throws {
        let policy = try PolicyCases.policy("rules:\n  - {metric: acc, vs: current, min_delta: 0, strict: true}\n")
        #expect(policy.decide(PolicyCases.make([("acc", 0.5)], [("acc", 0.5)])).outcome == .reject)
        #expect(policy.decide(PolicyCases.make([("acc", 0.5000001)], [("acc", 0.5)])).outcome == .promote)
    }

    @Test func `the same bytes under another number are allowed and said`() throws {
        let facts = PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) { $0.candidate.digest = $0.current?.digest }
        let decision = try PolicyCases.gain().decide(facts)
        #expect(decision.outcome == .promote)
        #expect(decision.warnings.contains { $0.contains("byte for byte") })
    }

    @Test func `a version in quarantine is rejected`() throws {
        let facts = PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) { $0.candidate.isQuarantined = true }
        #expect(try PolicyCases.gain().decide(facts).result("quarantine")?.verdict == .fail)
    }

    @Test func `a metric that was logged again after the snapshot is named and not counted`() throws {
        let facts = PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) { $0.candidate.changedMetrics = ["acc"] }
        let decision = try PolicyCases.gain().decide(facts)
        #expect(decision.outcome == .promote)
        #expect(decision.warnings.contains { $0.contains("logged again") && $0.contains("acc") })
    }

    @Test(arguments: ["RUNNING", "FAILED", "DELETED", nil] as [String?])
    func `a run that did not finish fails where the policy asks for it`(status: String?) throws {
        let policy = try PolicyCases.gain("require: {run_status: FINISHED}\n")
        let facts = PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) { $0.candidate.runStatus = status }
        #expect(policy.decide(facts).outcome == .reject)
    }

    @Test func `a signature that callers of the current model cannot use fails`() throws {
        let policy = try PolicyCases.gain("require: {signature_compatible: true}\n")
        let old = #"{"feature_names":["a","b"],"outputs":[{"name":"y","datatype":"FP64","shape":[-1]}]}"#
        func decide(_ new: String) -> RuleResult? {
            policy.decide(
                PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) {
                    $0.current?.signature = old
                    $0.candidate.signature = new
                }
            ).result("require.signature_compatible")
        }
        #expect(decide(old)?.verdict == .pass)
        #expect(decide(old.replacing("\"b\"]", with: "\"b\",\"c\"]"))?.reason.contains("'c'") == true)
        #expect(decide(old.replacing("FP64", with: "INT64"))?.verdict == .fail)
    }

    @Test func `other data is inconclusive until the current model was judged on it`() throws {
        let other = PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) {
            $0.current?.dataset = DatasetReference(name: "test", digest: "d0")
        }
        let held = try PolicyCases.gain().decide(other)
        #expect(held.outcome == .hold)
        #expect(held.rules[0].reason.contains("other data"))
        var again = other
        again.current?.datasetMetrics = [.init(key: "acc", value: 0.6, dataset: "test", digest: "d1")]
        let decision = try PolicyCases.gain().decide(again)
        #expect(decision.outcome == .promote)
        #expect(decision.rules[0].current == 0.6)
    }

    @Test(arguments: ["", ", dataset: eval"])
    func `a metric that was measured on other data is inconclusive`(dataset: String) throws {
        let policy = try PolicyCases.policy("rules:\n  - {metric: acc, vs: current, min_delta: 0.01\(dataset)}\n")
        func outcome(_ digest: String) -> Decision.Outcome {
            policy.decide(
                PolicyCases.make([], []) {
                    $0.candidate.dataset = nil
                    $0.current?.dataset = nil
                    $0.candidate.datasetMetrics = [.init(key: "acc", value: 0.7, dataset: "eval", digest: "D2")]
                    $0.current?.datasetMetrics = [.init(key: "acc", value: 0.6, dataset: "eval", digest: digest)]
                }
            ).outcome
        }
        #expect(outcome("D1") == .hold)
        #expect(outcome("D2") == .promote)
    }

    @Test func `the first must keep the bounds of a rule that also compares`() throws {
        let policy = try PolicyCases.policy(
            "on_first: require_absolute\nrules:\n  - {metric: acc, min: 0.7, vs: current, min_delta: 0.005}\n"
        )
        #expect(policy.decide(PolicyCases.make([("acc", 0.01)], nil)).outcome == .reject)
        #expect(policy.decide(PolicyCases.make([("acc", 0.8)], nil)).outcome == .promote)
    }

    @Test func `a slice on which a metric is not defined is inconclusive`() throws {
        let policy = try PolicyCases.policy("rules:\n  - {id: s, metric: recall_1, by: \"slice:g=*\", min: 0.5}\n")
        var table = try PolicyCases.table(40, wrong: [], positives: 10)
        table.columns["g"] = (0..<40).map { $0 < 20 ? "a" : "b" }
        let decision = PolicyCases.judged(policy, table, table)
        #expect(decision.result("s/a")?.verdict == .pass)
        #expect(decision.result("s/b")?.verdict == .inconclusive)
    }

    @Test func `many tests over many rows are all made`() throws {
        let rules = (0..<50).map { "  - {id: t\($0), test: paired_bootstrap, metric: f1, resamples: 100000}\n" }
            .joined()
        let policy = try PolicyCases.policy("rules:\n" + rules)
        let table = try PolicyCases.table(5000, wrong: [1, 2, 3])
        let decision = PolicyCases.judged(policy, table, table)
        #expect(decision.rules.allSatisfy { $0.verdict == .fail && $0.chance == 1 })
    }

    @Test(arguments: [0, 1]) func `a class with too few rows makes a test inconclusive`(positives: Int) throws {
        let policy = try PolicyCases.policy("rules:\n  - {id: t, test: paired_bootstrap, metric: bal_acc}\n")
        let table = try PolicyCases.table(100, wrong: [], positives: positives)
        #expect(PolicyCases.judged(policy, table, table).result("t")?.verdict == .inconclusive)
    }

    @Test func `equal predictions are no gain and no loss`() throws {
        let table = try PolicyCases.table(400, wrong: [1, 2, 3])
        let gain = try PolicyCases.policy("rules:\n  - {id: t, test: mcnemar, metric: acc}\n")
        #expect(PolicyCases.judged(gain, table, table).result("t")?.chance == 1)
        #expect(PolicyCases.judged(gain, table, table).outcome == .reject)
        let guardRule = try PolicyCases.policy(
            "rules:\n  - {id: t, test: mcnemar, metric: acc, max_regression: 0.01}\n"
        )
        #expect(PolicyCases.judged(guardRule, table, table).outcome == .promote)
    }

    @Test func `a percentage where a share was declared is an error and no verdict`() throws {
        let policy = try PolicyCases.policy("rules:\n  - {id: r, metric: acc, min: 0.7, in: [0, 1]}\n")
        let decision = policy.decide(PolicyCases.make([("acc", 83)], [("acc", 0.5)]))
        #expect(decision.result("r")?.verdict == .error)
        #expect(decision.outcome == .hold)
    }

    @Test func `a clock that goes back leaves a cool-down as long as it was`() throws {
        let policy = try PolicyCases.gain("cooldown: {after_promotion: 1h}\n")
        func outcome(_ minutes: Int) -> Decision.Outcome {
            policy.decide(
                PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) {
                    $0.history.lastPromotion = Timestamp(milliseconds: PolicyCases.now.milliseconds - minutes * 60_000)
                }
            ).outcome
        }
        #expect(outcome(-600) == .hold)
        #expect(outcome(30) == .hold)
        #expect(outcome(60) == .promote)
    }

    @Test func `a version that was rolled back waits`() throws {
        let policy = try PolicyCases.gain("cooldown: {after_rollback: 24h}\n")
        let facts = PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) { $0.history.lastRollback = PolicyCases.now }
        #expect(policy.decide(facts).outcome == .hold)
    }

    @Test func `the budget of attempts on one data set ends`() throws {
        let policy = try PolicyCases.gain("cooldown: {max_attempts_per_dataset: 3}\n")
        func outcome(_ attempts: Int) -> Decision.Outcome {
            policy.decide(PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) { $0.history.attempts = attempts }).outcome
        }
        #expect(outcome(2) == .promote)
        #expect(outcome(3) == .reject)
    }

    @Test func `a relative change from zero asks for any gain`() throws {
        let policy = try PolicyCases.policy("rules:\n  - {metric: log_loss, vs: current, min_rel_delta: 0.02}\n")
        #expect(policy.decide(PolicyCases.make([("log_loss", 0.98)], [("log_loss", 1)])).outcome == .promote)
        #expect(policy.decide(PolicyCases.make([("log_loss", 0.981)], [("log_loss", 1)])).outcome == .reject)
        let zero = policy.decide(PolicyCases.make([("log_loss", 0)], [("log_loss", 0)]))
        #expect(zero.outcome == .reject)
        #expect(zero.rules[0].reason.contains("relative to zero"))
    }

    @Test func `one of several is enough`() throws {
        let policy = try PolicyCases.policy(
            "rules:\n  - {id: either, any: [{id: a, metric: acc, min: 0.9}, {id: b, metric: auc, min: 0.9}]}\n"
        )
        #expect(
            policy.decide(PolicyCases.make([("acc", 0.1), ("auc", 0.95)], nil) { $0.current = PolicyCases.facts([]) })
                .outcome == .promote
        )
        #expect(
            policy.decide(PolicyCases.make([("acc", 0.1), ("auc", 0.1)], nil) { $0.current = PolicyCases.facts([]) })
                .outcome == .reject
        )
    }

    @Test func `slices are judged each for itself`() throws {
        let policy = try PolicyCases.policy(
            "rules:\n  - {id: s, metric: recall_1, by: \"slice:region=*\", vs: current, max_regression: 0.03, min_rows: 20}\n"
        )
        let candidate = [
            ("recall_1/region:north", 0.8), ("recall_1/region:south", 0.6), ("recall_1/region:west", 0.9),
            ("rows/region:north", 100), ("rows/region:south", 100), ("rows/region:west", 5),
        ]
        let current = [("recall_1/region:north", 0.82), ("recall_1/region:south", 0.7), ("recall_1/region:west", 0.5)]
        let decision = policy.decide(PolicyCases.make(candidate, current))
        #expect(decision.result("s/north")?.verdict == .pass)
        #expect(decision.result("s/south")?.verdict == .fail)
        #expect(decision.result("s/west")?.verdict == .inconclusive)
    }

    @Test func `data, tags, files and age are conditions of their own`() throws {
        let policy = try PolicyCases.gain(
            """
            data: {min_rows: 100, min_per_class: 10, max_age: 30d, same_fingerprint_as: current}
            require: {tags: {reviewed: "yes"}, artifacts: [model.onnx], self_test: true, max_latency_ms: 5}
            """
        )
        let bare = policy.decide(PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]))
        #expect(bare.outcome == .reject)
        #expect(bare.result("data.min_rows")?.verdict == .inconclusive)
        let full = policy.decide(
            PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) {
                $0.candidate.tags = [KeyValue(key: "reviewed", value: "yes")]
                $0.candidate.artifacts = ["model.onnx"]
                $0.selfTest = .init(problem: nil, latency: 1)
                $0.evidence.candidate = .init(fingerprint: "f", count: 100, classes: ["0": 50, "1": 50])
                $0.evidence.current = $0.evidence.candidate
            }
        )
        #expect(full.outcome == .promote, "\(full.reason)")
    }
}
