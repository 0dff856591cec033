import Testing

@testable import BalanceCore

struct PolicyReadingTests {
    private func mistakes(_ text: String) -> [PolicyIssue] {
        do {
            _ = try PromotionPolicy(parsing: text)
            return []
        } catch let failure as Failure {
            return (failure.details?.elements ?? []).map {
                PolicyIssue($0["line"]?.integer ?? 0, $0["column"]?.integer ?? 0, $0["message"]?.string ?? "")
            }
        } catch {
            return [PolicyIssue(-1, -1, "\(error)")]
        }
    }

    private let head = "apiVersion: balanceops/v1\nname: p\n"

    @Test(arguments: [
        ("ruls: []\n", 3, 1, "did you mean 'rules'"), ("rules:\n  - {metric: foo, min: 1}\n", 4, 5, "higher or lower"),
        ("rules:\n  - {metric: acc, min: 0.9, max: 0.1}\n", 4, 24, "nothing can pass"),
        ("rules:\n  - {metric: acc, min: .nan}\n", 4, 24, "must be a number"),
        ("rules:\n  - {metric: acc, min: .inf}\n", 4, 24, "must be a number"),
        ("rules:\n  - {metric: acc, vs: current, min_delta: -1}\n", 4, 43, "at least 0"),
        ("rules:\n  - {metric: acc, vs: current}\n", 4, 5, "needs min_delta"),
        ("rules:\n  - {metric: acc, vs: other, min_delta: 1}\n", 4, 23, "must be 'current'"),
        ("rules:\n  - {id: a, metric: acc, min: 1}\n  - {id: a, metric: acc, min: 1}\n", 5, 10, "is a duplicate"),
        ("rules:\n  - {test: mcnemar, metric: bal_acc}\n", 4, 29, "must be acc for the test mcnemar"),
        ("rules:\n  - {test: paired_bootstrap, metric: auc}\n", 4, 38, "for a paired test"),
        ("rules:\n  - {metric: acc, min: 1, alpha: 0.1}\n", 4, 34, "requires test"),
        ("rules: {}\n", 3, 8, "must be a list"), ("mode: all\n", 1, 1, "without rules"),
        ("mode: manual\ncooldown: {after_promotion: 1w}\n", 4, 29, "a duration such as"),
        ("mode: manual\ndata: {predictions: ../x}\n", 4, 21, "path of an artifact"),
        ("mode: manual\nname: q\n", 0, 0, "duplicate key"),
        ("mode: manual\nrequire: {run_status: DONE}\n", 4, 23, "FINISHED"),
        ("rules: [\n", 0, 0, "not valid YAML"), ("mode: &a manual\non_first: *b\n", 0, 0, "not valid YAML"),
    ])
    func `a mistake is named with its place`(lines: String, line: Int, column: Int, words: String) {
        let found = mistakes(head + lines)
        #expect(
            found.contains { $0.message.contains(words) && (line == 0 || ($0.line, $0.column) == (line, column)) },
            "\(found)"
        )
    }

    @Test func `a policy of JSON is the same as one of YAML`() throws {
        let yaml = try PromotionPolicy(parsing: head + "rules:\n  - {id: a, metric: acc, min: 0.5}\n")
        let json = try PromotionPolicy(
            parsing:
                #"{"name": "p", "rules": [{"min": 0.5, "metric": "acc", "id": "a"}], "apiVersion": "balanceops/v1"}"#
        )
        #expect(yaml == json)
        #expect(yaml.hash == json.hash)
    }

    @Test func `what is kept reads back as the same policy`() throws {
        let text =
            head + """
                on_first: manual
                compare: ieee
                rules:
                  - {id: a, metric: acc, vs: current, min_rel_delta: 0.1, strict: true, in: [0, 1], dataset: hold-out}
                  - {id: b, any: [{id: c, metric: f1, min: 0.5, min_rows: 3}, {id: d, metric: loss, max: 1}]}
                  - {id: e, test: paired_bootstrap, metric: recall_1, alpha: 0.01, margin: 0.02, by: "slice:x=*", spend_alpha: true}
                data: {same_fingerprint_as: current, min_rows: 10, min_per_class: 2, max_age: 90m, predictions: a/b.json}
                require: {tags: {t: "1"}, artifacts: [x], signature_compatible: true, run_status: FINISHED, self_test: true}
                cooldown: {after_promotion: 36h, after_rollback: 45s, max_attempts_per_dataset: 5}
                approval: {required: 2, roles: [owner], not_author: false, expires: 7d}
                """
        let policy = try PromotionPolicy(parsing: text)
        #expect(try PromotionPolicy(document: policy.json) == policy)
        #expect(try PromotionPolicy(parsing: policy.json.text(pretty: true)).hash == policy.hash)
        for shipped in PromotionPolicy.shipped { #expect(try PromotionPolicy(document: shipped.json) == shipped) }
    }

    @Test func `the hashes of shipped policies stay what they are`() {
        // A model is bound to a hash: another text needs another name.
        #expect(PromotionPolicy.standard.hash.hasPrefix("3b1207b0d6d5"))
        #expect(PromotionPolicy.original.hash.hasPrefix("dcc051ea83ae"))
    }

    @Test(arguments: [
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c]\nrules: [*d,*d,*d,*d,*d]\n",
        String(repeating: "[", count: 5000), String(repeating: "x", count: 70_000), "!!python/object:os.system {}", "",
        "\u{0}", "- 1", "rules: [[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]",
    ])
    func `a text that is made to hurt is refused`(text: String) {
        #expect(!mistakes(text).isEmpty)
    }

    @Test func `a metric of training is warned of`() throws {
        let policy = try PromotionPolicy(parsing: head + "rules:\n  - {metric: train_acc, min: 0.5}\n")
        #expect(policy.warnings.count == 1)
    }
}
