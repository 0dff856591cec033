import Foundation

extension PolicyDecider {
    /// The conditions beside the rules, each as a rule of its own.
    func conditions() -> [RuleResult] {
        var results: [RuleResult] = []
        if facts.candidate.isQuarantined {
            results.append(
                RuleResult("quarantine", .fail, "the version is in quarantine", next: "release it from quarantine")
            )
        }
        results += dataConditions() + requirements() + cooldowns()
        if isFirst, policy.onFirst == .manual { results.append(manual("on_first", "no model serves yet")) }
        if policy.mode == .manual { results.append(manual("mode", "the policy leaves it to people")) }
        if let need = policy.approval { results.append(approval("approval", need)) }
        return results
    }

    // MARK: - Data

    /// Why the two models were not judged on the same data; nil where they were, or nobody knows.
    var dataDifference: String? {
        guard let current = facts.current else { return nil }
        if let ours = facts.evidence.candidate, let theirs = facts.evidence.current {
            guard ours.fingerprint != theirs.fingerprint else { return nil }
            return "the current model was judged on other rows (\(theirs.count), the candidate on \(ours.count))"
        }
        guard let ours = facts.candidate.dataset?.digest, let theirs = current.dataset?.digest, ours != theirs else {
            return nil
        }
        return "the current model was judged on other data (\(theirs.prefix(12)), the candidate on \(ours.prefix(12)))"
    }

    /// What makes the two comparable.
    var reevaluation: String {
        let version = facts.current?.version.map { "version \($0)" } ?? "the current model"
        let digest = facts.evidence.candidate?.fingerprint ?? facts.candidate.dataset?.digest
        let data = digest.map { "data \($0.prefix(12))" } ?? "the candidate's data"
        return "evaluate \(version) on \(data), and refresh its snapshot"
    }

    private func dataConditions() -> [RuleResult] {
        let wanted = policy.data
        var results: [RuleResult] = []
        if wanted.sameAsCurrent { results.append(sameData()) }
        let rows = facts.evidence.candidate?.count ?? facts.candidate.datasetRows
        if let least = wanted.minRows {
            results.append(count("data.min_rows", rows, least, "rows", next: "judge it on more rows"))
        }
        if wanted.minPerClass != nil, let classes = facts.evidence.candidate?.classes, classes.count < 2 {
            let reason = "the rows are all of one class"
            results.append(
                RuleResult("data.min_per_class", .inconclusive, reason, next: "judge it on rows of each class")
            )
        } else if let least = wanted.minPerClass {
            let smallest = facts.evidence.candidate?.classes.min { ($0.value, $0.key) < ($1.value, $1.key) }
            let name = smallest.map { "rows of class '\($0.key)'" } ?? "rows of each class"
            results.append(count("data.min_per_class", smallest?.value, least, name, next: "judge it on more rows"))
        }
        if let most = wanted.maxAge { results.append(age(most)) }
        return results
    }

    private func sameData() -> RuleResult {
        let id = "data.same_fingerprint"
        guard !isFirst, let current = facts.current else {
            return RuleResult(id, .skipped, "no current model to compare with")
        }
        if let difference = dataDifference { return RuleResult(id, .inconclusive, difference, next: reevaluation) }
        let rows = facts.evidence.candidate != nil && facts.evidence.current != nil
        guard rows || (facts.candidate.dataset?.digest != nil && current.dataset?.digest != nil) else {
            return RuleResult(id, .inconclusive, "it is not known what data both were judged on", next: reevaluation)
        }
        return RuleResult(id, .pass, rows ? "judged on the same rows" : "judged on data with the same digest")
    }

    private func count(_ id: String, _ found: Int?, _ least: Int, _ what: String, next: String) -> RuleResult {
        guard let found else { return RuleResult(id, .inconclusive, "the number of \(what) is not known", next: next) }
        var result = RuleResult(id, found >= least ? .pass : .inconclusive, "\(found) \(what), and \(least) are needed")
        result.rows = found
        result.threshold = Double(least)
        if found < least { result.next = next }
        return result
    }

    private func age(_ most: Int) -> RuleResult {
        guard let at = facts.candidate.evaluatedAt else {
            return RuleResult(
                "data.max_age",
                .inconclusive,
                "it is not known when it was judged",
                next: "register it again"
            )
        }
        let seconds = facts.now.seconds(since: at)
        guard seconds > -300 else {
            let reason = "it says that it was judged in the future"
            return RuleResult("data.max_age", .inconclusive, reason, next: "check the clocks")
        }
        let words =
            "judged \(PolicyDecider.words(max(0, seconds))) ago, and \(PromotionPolicy.duration(most)) is the most"
        return RuleResult(
            "data.max_age",
            seconds <= most ? .pass : .fail,
            words,
            next: seconds <= most ? nil : "judge it again"
        )
    }

    // MARK: - Requirements

    private func requirements() -> [RuleResult] {
        let wanted = policy.require
        var results = wanted.tags.map { tag -> RuleResult in
            let found = facts.candidate.tags.last { $0.key == tag.key }?.value
            let reason = found.map { "the tag '\(tag.key)' is '\($0)'" } ?? "the tag '\(tag.key)' is not set"
            let passes = found == tag.value
            let next = passes ? nil : "set the tag \(tag.key) = \(tag.value) on the version"
            return RuleResult("require.tags.\(tag.key)", passes ? .pass : .fail, reason, next: next)
        }
        results += wanted.artifacts.map { path in
            let isThere = facts.candidate.artifacts.contains {
                $0 == path || $0.hasPrefix(path + "/") || $0.hasSuffix("/" + path)
            }
            return RuleResult(
                "require.artifacts.\(path)",
                isThere ? .pass : .fail,
                isThere ? "the run has \(path)" : "the run has no \(path)",
                next: isThere ? nil : "log the artifact \(path)"
            )
        }
        if let status = wanted.runStatus { results.append(runStatus(status)) }
        if wanted.signatureCompatible { results.append(signature()) }
        if wanted.selfTest { results.append(selfTest()) }
        if let most = wanted.maxLatency { results.append(latency(most)) }
        return results
    }

    private func runStatus(_ wanted: String) -> RuleResult {
        let found = facts.candidate.runStatus
        let passes = found == wanted
        return RuleResult(
            "require.run_status",
            passes ? .pass : .fail,
            found.map { "its run is \($0)" } ?? "it was made by no run",
            next: passes ? nil : "its run must be \(wanted)"
        )
    }

    private func signature() -> RuleResult {
        let id = "require.signature_compatible"
        guard !isFirst, let current = facts.current else {
            return RuleResult(id, .skipped, "no current model to compare with")
        }
        guard let theirs = current.signature, let ours = facts.candidate.signature else {
            return RuleResult(
                id,
                .inconclusive,
                "a signature is not known",
                next: "register both versions with a model that can be read"
            )
        }
        if let difference = SignatureChange.breaking(from: theirs, to: ours) {
            return RuleResult(
                id,
                .fail,
                difference,
                next: "keep what callers send and get, or serve it under another name"
            )
        }
        return RuleResult(id, .pass, "callers of the current model can call it")
    }

    private func selfTest() -> RuleResult {
        let problem = facts.selfTest == nil ? facts.candidate.problem : facts.selfTest?.problem
        guard problem != nil || facts.selfTest != nil else {
            return RuleResult(
                "require.self_test",
                .inconclusive,
                "its file was not tried",
                next: "run it where its file is"
            )
        }
        return RuleResult(
            "require.self_test",
            problem == nil ? .pass : .fail,
            problem ?? "its file loads and answers",
            next: problem == nil ? nil : "save a model that can be served"
        )
    }

    private func latency(_ most: Double) -> RuleResult {
        guard let found = facts.selfTest?.latency else {
            return RuleResult(
                "require.max_latency_ms",
                .inconclusive,
                "no row could be timed",
                next: "run it where its file is"
            )
        }
        var result = RuleResult(
            "require.max_latency_ms",
            found <= most ? .pass : .fail,
            "a row takes \(String(format: "%.4g", found)) ms at the 95th percentile, and \(most) is the most",
            next: found <= most ? nil : "needs -\(String(format: "%.4g", found - most)) ms"
        )
        result.candidate = found
        result.threshold = most
        return result
    }

    // MARK: - Time

    private func cooldowns() -> [RuleResult] {
        let wanted = policy.cooldown
        var results: [RuleResult] = []
        if let window = wanted.afterPromotion {
            results.append(
                pause("cooldown.after_promotion", since: facts.history.lastPromotion, window, "the last promotion")
            )
        }
        if let window = wanted.afterRollback {
            results.append(
                pause(
                    "cooldown.after_rollback",
                    since: facts.history.lastRollback,
                    window,
                    "this version was rolled back"
                )
            )
        }
        if let most = wanted.maxAttempts {
            let number = facts.history.attempts + 1
            let words = "candidate \(number) on this data, and \(most) are allowed"
            guard facts.history.knowsData else {
                return results + [
                    RuleResult(
                        "cooldown.max_attempts_per_dataset",
                        .inconclusive,
                        "it is not known which data it was judged on, so that candidates cannot be counted",
                        next: "log \(policy.data.predictions), or the data set with mlflow.log_input"
                    )
                ]
            }
            results.append(
                RuleResult(
                    "cooldown.max_attempts_per_dataset",
                    number <= most ? .pass : .fail,
                    words,
                    next: number <= most ? nil : "judge it on new data"
                )
            )
        }
        return results
    }

    /// A clock that went back leaves the pause as long as it was.
    private func pause(_ id: String, since: Timestamp?, _ window: Int, _ what: String) -> RuleResult {
        guard let since else { return RuleResult(id, .pass, "\(what): never") }
        let elapsed = max(0, facts.now.seconds(since: since))
        let words = "\(what): \(PolicyDecider.words(elapsed)) ago, and the pause is \(PromotionPolicy.duration(window))"
        if elapsed >= window { return RuleResult(id, .pass, words) }
        return RuleResult(id, .inconclusive, words, next: "wait \(PolicyDecider.words(window - elapsed))")
    }

    static func words(_ seconds: Int) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) d"
        }
    }

    // MARK: - People

    private func manual(_ id: String, _ why: String) -> RuleResult {
        var need = policy.approval ?? PromotionPolicy.ApprovalNeed()
        need.required = max(1, need.required)
        var result = approval(id, need)
        result.reason = "\(why); \(result.reason)"
        return result
    }

    private func approval(_ id: String, _ need: PromotionPolicy.ApprovalNeed) -> RuleResult {
        let isKnown = facts.candidate.author != nil || facts.candidate.authorAccount != nil
        if need.notAuthor, facts.edition > 1, !isKnown {
            return RuleResult(
                id,
                .inconclusive,
                "it is not known who made the version, and the policy asks for somebody else's approval",
                next: "register it from a run that has a user, or set not_author: false"
            )
        }
        let author = facts.candidate.author.map(PersonName.folded)
        let valid = facts.approvals.filter { approval in
            // An account is judged by who it is; a name alone by the name.
            let isAuthors = approval.account == nil ? PersonName.folded(approval.actor) == author : approval.isAuthors
            return approval.expiresAt > facts.now && !(need.notAuthor && isAuthors)
                && (need.roles.isEmpty || approval.roles.contains(where: need.roles.contains))
        }
        let people = Dictionary(valid.map { ($0.person, $0) }) { first, _ in first }
        // Of several roles each counts once as long as another one is open: two people of one role are not two roles.
        let counted = need.roles.isEmpty ? people.count : RoleCover.count(people.values.map(\.roles), need)
        let who = need.roles.isEmpty ? "" : " of \(need.roles.joined(separator: need.required > 1 ? " and " : " or "))"
        let names = people.isEmpty ? "" : ": \(people.values.map(\.actor).sorted().joined(separator: ", "))"
        let passes = counted >= need.required
        let words = "\(counted) of \(need.required) approvals\(who)\(names)"
        let missing = need.required - counted
        return RuleResult(
            id,
            passes ? .pass : .inconclusive,
            words,
            next: passes ? nil : "needs \(missing) more approval\(missing == 1 ? "" : "s")\(who)"
        )
    }
}

/// Whether callers of one model can call another.
enum SignatureChange {
    /// What breaks them; nil where nothing does.
    static func breaking(from old: String, to new: String) -> String? {
        guard let old = try? JSONValue(parsing: old), let new = try? JSONValue(parsing: new) else {
            return "a signature cannot be read"
        }
        if let before = old["feature_names"]?.strings, let after = new["feature_names"]?.strings {
            let (known, asked) = (Set(before), Set(after))
            if let added = after.first(where: { !known.contains($0) }) { return "it needs the column '\(added)' too" }
            if let gone = before.first(where: { !asked.contains($0) }) {
                return "it does not take the column '\(gone)'"
            }
            if before != after { return "its columns stand in another order" }
        } else if let before = old["n_features"]?.integer, let after = new["n_features"]?.integer, before != after {
            return "it takes \(after) features, and the current model \(before)"
        }
        for side in ["inputs", "outputs"] {
            let (before, after) = (tensors(old[side]), tensors(new[side]))
            if before != after {
                return
                    "its \(side) are \(after.joined(separator: ", ")), and the current model's \(before.joined(separator: ", "))"
            }
        }
        let (before, after) = (old["classes"]?.canonical.text() ?? "", new["classes"]?.canonical.text() ?? "")
        return before == after ? nil : "its classes are \(after), and the current model's \(before)"
    }

    private static func tensors(_ value: JSONValue?) -> [String] {
        (value?.elements ?? []).map { tensor in
            let shape = (tensor["shape"]?.elements ?? []).map { String($0.integer ?? -1) }.joined(separator: "x")
            return
                "\(tensor["name"]?.string ?? "?") \(tensor["datatype"]?.string ?? tensor["type"]?.string ?? "?") \(shape)"
        }
    }
}
