import BalanceService
import BalanceCore
import BalanceNet
import Foundation
import Hummingbird

/// One version: the policy's verdict rule by rule, the comparison with what serves, and what may be done with it.
struct VersionPage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    func show(_ request: Request, name: String, version text: String) async throws -> PageRenderer.PageResult {
        let preferences = Preferences(request)
        let times = TimeDisplay(zone: preferences.zone)
        let texts = preferences.language.texts
        let number = try Self.number(text)
        let version = try await sources.models.version(number, of: name)
        let slot = try await sources.governance.slot(of: name)
        let time = times.cell(version.createdAt.iso8601)
        let quarantine = version.quarantine
        var content: [String: Any] = [
            "name": name, "link": name.percentEncoded, "version": number, "time": time.text, "iso": time.iso,
            "format": version.format ?? "–", "digest": version.digest ?? "", "problem": version.problem ?? "",
            "run": version.runID?.native ?? "", "run_link": version.runID?.native.percentEncoded ?? "",
            "is_current": slot.version == number, "quarantine": quarantine ?? "",
            "is_quarantined": quarantine != nil,
            "may_move": slot.version != number && quarantine == nil && version.problem == nil && slot.freeze == nil,
            "tags": version.tags.map { ["key": $0.key, "value": $0.value] },
        ]
        content.merge(ModelsPage.state(slot, times)) { $1 }
        let decision = try await sources.promotions.explain(.version(number), of: name)
        content.merge(RuleTable.content(decision.json, texts)) { $1 }
        content["is_bound"] = slot.policy != nil
        content["may_promote"] = content["may_move"] as? Bool == true && (decision.promotes || slot.policy == nil)
        content["command"] = "balanceops promote \(Self.shell(name)) \(number) --reason \"…\""
        content.merge(try await comparison(version, slot)) { $1 }
        content.merge(try await evidence(number, of: name, besides: decision)) { $1 }
        return .page(.init(template: "version", title: "\(name) v\(number) · BalanceOps", content: content))
    }

    func act(
        _ action: VersionAction,
        _ request: Request,
        _ context: AppContext
    ) async throws -> PageRenderer.PageResult {
        let name = try context.text("name")
        let number = try Self.number(context.parameters.require("version"))
        let form = try await PageForm(request, context)
        let asked = try action == .promote ? form.move() : form.request()
        if action == .approve { try await requireSeen(form["policy"], of: name) }
        switch action {
        case .promote: _ = try await sources.promotions.requirePromotion(number, of: name, by: asked)
        case .approve: _ = try await sources.governance.approve(number, of: name, by: asked)
        case .quarantine: try await sources.governance.quarantine(number, of: name, by: asked)
        case .release: try await sources.governance.release(number, of: name, by: asked)
        }
        let page = "/models/\(name.percentEncoded)"
        return .redirect(action == .promote ? page : "\(page)/versions/\(number)")
    }

    /// An approval is of what the reader saw, and not of a policy that was bound since.
    private func requireSeen(_ hash: String, of name: String) async throws {
        let slot = try await sources.governance.slot(of: name)
        guard hash == slot.policyHash ?? "" else {
            throw Failure(.generationConflict, "'\(name)' is bound to a different policy now.", hint: "reload its page")
        }
    }

    static func number(_ text: String) throws -> Int {
        guard let number = Int(plain: text), number > 0 else {
            throw Failure(.invalidParameter, "invalid version '\(text.prefix(50))'", hint: "open the model's page")
        }
        return number
    }

    /// Every metric of both, with the difference.
    private func comparison(_ version: ModelVersion, _ slot: Slot) async throws -> [String: Any] {
        guard let serving = slot.version, serving != version.version else { return ["has_comparison": false] }
        let current = try await sources.models.version(serving, of: version.name).metrics
        let keys = Set((version.metrics + current).map(\.key)).sorted()
        let rows = keys.prefix(200).map { key -> [String: Any] in
            let (new, old) = (version.metrics.value(of: key), current.value(of: key))
            let delta = new.flatMap { new in old.map { new - $0 } }
            return [
                "key": key, "current": old.map(NumberText.metric) ?? "–",
                "candidate": new.map(NumberText.metric) ?? "–",
                "delta": delta.map { ($0 > 0 ? "+" : "") + NumberText.metric($0) } ?? "",
                "differs": delta != 0,
            ]
        }
        return ["comparison": rows, "has_comparison": !rows.isEmpty]
    }

    /// What chance alone would make of the gain, where both models were judged row by row and the policy does not test it.
    private func evidence(
        _ number: Int,
        of name: String,
        besides decision: Decision
    ) async throws -> [String: Any] {
        let tested = Set(decision.rules.filter { $0.chance != nil }.compactMap(\.metric))
        var policy = PromotionPolicy(name: "evidence")
        for (kind, metric) in [(PolicyRule.Test.Kind.mcnemar, "acc"), (.pairedBootstrap, "bal_acc")]
        where !tested.contains(metric) {
            var rule = PolicyRule(id: "\(metric)-\(kind.rawValue)", metric: metric, direction: .higher)
            rule.test = PolicyRule.Test(kind: kind)
            policy.clauses.append(.rule(rule))
        }
        if policy.clauses.isEmpty { return ["has_evidence": false] }
        let found = try await sources.promotions.explain(.version(number), of: name, policy: policy)
        let rows = found.rules.compactMap { rule -> [String: Any]? in
            guard let chance = rule.chance, let delta = rule.delta, let interval = rule.interval else { return nil }
            return [
                "metric": rule.metric ?? "", "test": rule.id.split(separator: "-").last.map(String.init) ?? "",
                "delta": (delta > 0 ? "+" : "") + NumberText.metric(delta), "n": rule.rows ?? 0,
                "ci": String(format: "%+.4f … %+.4f", interval.lowerBound, interval.upperBound),
                "chance": String(format: "%.3g", chance),
            ]
        }
        return ["evidence": rows, "has_evidence": !rows.isEmpty]
    }

    private static func shell(_ name: String) -> String {
        name.allSatisfy { $0.isLetter || $0.isNumber || "_-.".contains($0) }
            ? name : "'\(name.replacing("'", with: "'\\''"))'"
    }
}

/// What a form of a version's page does.
enum VersionAction: String, CaseIterable {
    case promote, approve, quarantine, release

    var summary: String {
        switch self {
        case .promote: "Promotes the version."
        case .approve: "Approves it."
        case .quarantine: "Puts it in quarantine."
        case .release: "Releases it."
        }
    }

    var permission: Permission {
        switch self {
        case .promote: .promote
        case .approve: .approve
        case .quarantine, .release: .operate
        }
    }
}
