import Testing

@testable import BalanceCore

/// Whose approval counts, and how many.
struct ApprovalTests {
    @Test(arguments: [
        ([["risk"], ["risk"]], 2, false), ([["risk"], ["owner"]], 2, true), ([["risk", "owner"]], 2, false),
        ([["risk", "owner"], ["risk"]], 2, true), ([["owner"]], 1, true), ([["risk"], ["risk"], ["risk"]], 3, false),
        ([["risk"], ["owner"], ["risk"]], 3, true), ([[], []], 1, false),
    ])
    func `of several roles one of each is asked for`(people: [[String]], required: Int, passes: Bool) throws {
        let policy = try PolicyCases.gain(
            "approval: {required: \(required), roles: [risk, owner], not_author: false}\n"
        )
        let facts = PolicyCases.make([("acc", 0.9)], [("acc", 0.8)]) { facts in
            facts.approvals = people.enumerated().map { index, roles in
                .init(actor: "p\(index)", roles: roles, expiresAt: PolicyCases.now.addingDays(1))
            }
        }
        #expect((policy.decide(facts).outcome == .promote) == passes)
    }

    @Test(arguments: ["Jin", " jin", "jin ", "ＪＩＮ", "ji\u{200B}n"])
    func `the author is the author in every spelling`(approver: String) throws {
        let policy = try PolicyCases.gain("approval: {required: 1}\n")
        func outcome(author: String?, _ approvers: [String]) -> Decision.Outcome {
            policy.decide(
                PolicyCases.make([("acc", 0.9)], [("acc", 0.8)]) { facts in
                    facts.candidate.author = author
                    facts.approvals = approvers.map {
                        .init(actor: $0, roles: [], expiresAt: PolicyCases.now.addingDays(1))
                    }
                }
            ).outcome
        }
        #expect(outcome(author: "jin", [approver]) == .hold)
        #expect(outcome(author: "kim", [approver]) == .promote)
        #expect(outcome(author: nil, [approver]) == .hold)
        let two = try PolicyCases.gain("approval: {required: 2, not_author: false}\n")
        let facts = PolicyCases.make([("acc", 0.9)], [("acc", 0.8)]) { facts in
            facts.approvals = ["jin", approver].map {
                .init(actor: $0, roles: [], expiresAt: PolicyCases.now.addingDays(1))
            }
        }
        #expect(two.decide(facts).outcome == .hold)
    }

    @Test func `a manual first is promoted once somebody approved`() throws {
        let policy = try PolicyCases.gain("on_first: manual\n")
        let approved = PolicyCases.make([("acc", 0.9)], nil) {
            $0.candidate.author = "jin"
            $0.approvals = [.init(actor: "min", roles: [], expiresAt: PolicyCases.now.addingDays(1))]
        }
        #expect(policy.decide(approved).outcome == .promote)
    }

    @Test func `an approver who lost the role, or made the version, does not count`() throws {
        let policy = try PolicyCases.gain("approval: {required: 1, roles: [owner]}\n")
        func outcome(_ actor: String, _ roles: [String], days: Int = 1) -> Decision.Outcome {
            policy.decide(
                PolicyCases.make([("acc", 0.9)], [("acc", 0.5)]) {
                    $0.candidate.author = "jin"
                    $0.approvals = [.init(actor: actor, roles: roles, expiresAt: PolicyCases.now.addingDays(days))]
                }
            ).outcome
        }
        #expect(outcome("min", ["owner"]) == .promote)
        #expect(outcome("min", []) == .hold)
        #expect(outcome("jin", ["owner"]) == .hold)
        #expect(outcome("min", ["owner"], days: -1) == .hold)
    }
}
