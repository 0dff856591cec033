/// Everything that a decision depends on, besides the policy.
package struct PromotionCase: Sendable, Hashable {
    /// Somebody's word for a candidate.
    package struct Approval: Sendable, Hashable {
        package var actor: String
        /// The roles that the actor has now.
        package var roles: [String]
        package var expiresAt: Timestamp
        /// The account that it is of; nil: the name is all that is known.
        package var account: String?
        /// Whether that account made the candidate, or belongs to whoever did.
        package var isAuthors: Bool

        package init(
            actor: String,
            roles: [String],
            expiresAt: Timestamp,
            account: String? = nil,
            isAuthors: Bool = false
        ) {
            self.actor = actor
            self.roles = roles
            self.expiresAt = expiresAt
            self.account = account
            self.isAuthors = isAuthors
        }

        /// Tells people apart.
        var person: String { account.map { "account \($0)" } ?? PersonName.folded(actor) }
    }

    /// What happened before.
    package struct History: Sendable, Hashable {
        package var lastPromotion: Timestamp?
        /// When this candidate was rolled back last.
        package var lastRollback: Timestamp?
        /// How many other tests were made on its data set.
        package var attempts = 0
        /// Whether it is known which data set that is.
        package var knowsData = true

        package init() {}
    }

    /// What the test of the candidate's file measured; nil where it was not made.
    package struct SelfTest: Sendable, Hashable {
        package var problem: String?
        package var latency: Double?

        /// - Parameters:
        ///   - problem: Why it failed; nil where it passed.
        ///   - latency: The 95th percentile of a row, in milliseconds.
        package init(problem: String?, latency: Double?) {
            self.problem = problem
            self.latency = latency
        }
    }

    package var model: String
    /// Counts what happened to the alias `current`.
    package var generation: Int
    package var candidate: VersionFacts
    /// The version that serves; nil: none.
    package var current: VersionFacts?
    package var history = History()
    /// Those that are bound to this candidate, policy and generation.
    package var approvals: [Approval] = []
    package var evidence = PolicyEvidence()
    package var selfTest: SelfTest?
    package var now: Timestamp
    /// Which edition of the meaning of policies holds: 1 for decisions that were recorded before there were editions, so
    /// that they can be made again.
    package var edition = 2

    package init(model: String, generation: Int, candidate: VersionFacts, current: VersionFacts?, now: Timestamp) {
        self.model = model
        self.generation = generation
        self.candidate = candidate
        self.current = current
        self.now = now
    }

    /// What is kept with a decision, so that anybody can make it again.
    package var json: JSONValue {
        .object([
            ("edition", .int(edition)), ("model", .string(model)), ("generation", .int(generation)),
            ("candidate", candidate.json), ("current", current?.json ?? .null),
            (
                "history",
                .object([
                    ("last_promotion_ms", history.lastPromotion.map { .int($0.milliseconds) } ?? .null),
                    ("last_rollback_ms", history.lastRollback.map { .int($0.milliseconds) } ?? .null),
                    ("attempts", .int(history.attempts)), ("data_known", .bool(history.knowsData)),
                ])
            ),
            (
                "approvals",
                .array(
                    approvals.map { approval in
                        .object(
                            [
                                ("actor", .string(approval.actor)), ("roles", .strings(approval.roles)),
                                ("expires_at_ms", .int(approval.expiresAt.milliseconds)),
                            ] + approval.proof
                        )
                    }
                )
            ),
            ("evidence", evidence.json),
            (
                "self_test",
                selfTest.map { test in
                    .object([
                        ("problem", .optional(test.problem)),
                        ("latency_ms", test.latency.map(JSONValue.double) ?? .null),
                    ])
                } ?? .null
            ), ("now_ms", .int(now.milliseconds)),
        ])
    }

    package init(_ json: JSONValue) {
        self.init(
            model: json["model"]?.string ?? "",
            generation: json["generation"]?.integer ?? 0,
            candidate: VersionFacts(json["candidate"] ?? .null),
            current: json["current"].flatMap { $0.isNull ? nil : VersionFacts($0) },
            now: Timestamp(milliseconds: json["now_ms"]?.integer ?? 0)
        )
        edition = json["edition"]?.integer ?? 1
        let past = json["history"]
        history.lastPromotion = past?["last_promotion_ms"]?.integer.map(Timestamp.init(milliseconds:))
        history.lastRollback = past?["last_rollback_ms"]?.integer.map(Timestamp.init(milliseconds:))
        history.attempts = min(max(0, past?["attempts"]?.integer ?? 0), 1 << 40)
        history.knowsData = past?["data_known"]?.boolean ?? true
        approvals = (json["approvals"]?.elements ?? []).map { approval in
            Approval(
                actor: approval["actor"]?.string ?? "",
                roles: approval["roles"]?.strings ?? [],
                expiresAt: Timestamp(milliseconds: approval["expires_at_ms"]?.integer ?? 0),
                account: approval["account_id"]?.string,
                isAuthors: approval["by_author"]?.boolean ?? false
            )
        }
        evidence = PolicyEvidence(json["evidence"] ?? .null)
        if let test = json["self_test"], !test.isNull {
            selfTest = SelfTest(problem: test["problem"]?.string, latency: test["latency_ms"]?.number)
        }
    }

    /// What an approval is given for: every fact of the candidate and of what it is compared with.
    package var approvedHash: String {
        ContentHash.of(.object([("candidate", candidate.json), ("current", current?.json ?? .null)]))
    }

    /// Tells this test from others on the same data: what was compared with what.
    package var attempt: String {
        let ours = candidate.digest ?? candidate.runID?.native ?? ""
        return "\(ours)|\(current?.digest ?? "")"
    }

    private var jsonOfFirstEdition: JSONValue {
        .object(
            (json.members ?? []).filter { $0.0 != "edition" }.map { name, value in
                guard name == "history" else { return (name, value) }
                return (name, .object((value.members ?? []).filter { $0.0 != "data_known" }))
            }
        )
    }

    /// Tells these inputs from all others; the clock and measured times are left out, which no two looks share.
    package var hash: String {
        var still = self
        still.now = Timestamp(milliseconds: 0)
        still.selfTest?.latency = nil
        return ContentHash.of(edition == 1 ? still.jsonOfFirstEdition : still.json)
    }
}

extension PromotionCase.Approval {
    /// What is kept of who gave it, besides the name; nothing where only that is known.
    fileprivate var proof: [(String, JSONValue)] {
        account.map { [("account_id", .string($0)), ("by_author", .bool(isAuthors))] } ?? []
    }
}
