import BalanceService
import BalanceCore
import BalanceNet
import Hummingbird

/// The policy of a model: its text to edit, what is wrong with it, and what it would say of a version.
struct PolicyPage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    /// What was typed and tried.
    private struct Draft {
        var text: String
        var version: Int?
        var isTried = false
        var actor = ""
        var reason = ""
    }

    func show(_ request: Request, name: String) async throws -> PageRenderer.PageResult {
        let bound = try await sources.governance.boundPolicy(of: name)
        let text = bound?.text ?? Self.sample(name)
        return try await page(request, name: name, Draft(text: text), bound)
    }

    /// Looks at what was typed, or saves it and binds the model to it.
    func submit(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let name = try context.text("name")
        let form = try await PageForm(request, context)
        let text = form["text"].replacing("\r\n", with: "\n")
        let bound = try await sources.governance.boundPolicy(of: name)
        guard form["do"] == "save" else {
            let draft = Draft(
                text: text,
                version: form.integer("version"),
                isTried: true,
                actor: form["actor"],
                reason: form["reason"]
            )
            return try await page(request, name: name, draft, bound)
        }
        let policy: PromotionPolicy
        do {
            policy = try PromotionPolicy(parsing: text)
        } catch {
            let draft = Draft(text: text, isTried: true, actor: form["actor"], reason: form["reason"])
            return try await page(request, name: name, draft, bound)
        }
        let asked = try form.request()
        _ = try await sources.models.model(name)
        guard form["policy"] == bound?.policy.hash ?? "" else {
            throw Failure(
                .generationConflict,
                "The policy of '\(name)' was changed by someone else while you edited it.",
                hint: "reload the page and compare both"
            )
        }
        let saved = try await sources.governance.savePolicy(policy, text: text, by: asked.actor)
        try await sources.governance.bind(saved, to: name, by: asked)
        return .redirect("/models/\(name.percentEncoded)/policy")
    }

    /// The mistakes of a text, for the page's script.
    func check(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let text = try await PageForm(request, context)["text"].replacing("\r\n", with: "\n")
        do {
            let policy = try PromotionPolicy(parsing: text)
            return .json(
                .object([
                    ("ok", .bool(true)), ("mistakes", .array([])), ("warnings", .strings(policy.warnings)),
                    ("hash", .string(String(policy.hash.prefix(12)))),
                ])
            )
        } catch let failure as Failure {
            return .json(.object([("ok", .bool(false)), ("mistakes", failure.details ?? .array([]))]))
        }
    }

    private func page(
        _ request: Request,
        name: String,
        _ draft: Draft,
        _ bound: SavedPolicy?
    ) async throws -> PageRenderer.PageResult {
        let preferences = Preferences(request)
        let slot = try await sources.governance.slot(of: name)
        var content: [String: Any] = [
            "name": name, "link": name.percentEncoded, "text": draft.text, "actor": draft.actor, "reason": draft.reason,
            "bound_version": bound.map { "\($0.version)" } ?? "",
        ]
        content.merge(ModelsPage.state(slot, TimeDisplay(zone: preferences.zone))) { $1 }
        let newest = try await newestVersions(of: name)
        let chosen = draft.version ?? newest.first { $0 != slot.version } ?? newest.first
        content["candidates"] = newest.map { ["value": $0, "selected": $0 == chosen] }
        do {
            let policy = try PromotionPolicy(parsing: draft.text)
            content["policy_warnings"] = policy.warnings.map { ["text": $0] }
            if draft.isTried, let chosen {
                let decision = try await sources.promotions.explain(.version(chosen), of: name, policy: policy)
                content.merge(RuleTable.content(decision.json, preferences.language.texts)) { $1 }
                content["has_trial"] = true
                content["trial_version"] = chosen
            }
        } catch let failure as Failure where failure.code == .policyInvalid {
            content["mistakes"] = (failure.details?.elements ?? []).map { issue in
                [
                    "line": issue["line"]?.integer ?? 0, "column": issue["column"]?.integer ?? 0,
                    "message": issue["message"]?.string ?? "",
                ] as [String: Any]
            }
        }
        return .page(.init(template: "policy", title: "\(name) · BalanceOps", content: content))
    }

    private func newestVersions(of name: String) async throws -> [Int] {
        try await sources.models.versions(of: name, limit: 50, newestFirst: true).map(\.version)
    }

    private static func sample(_ name: String) -> String {
        let letters = name.filter { ($0.isLetter || $0.isNumber) && $0.isASCII || $0 == "-" || $0 == "_" }
        return """
            apiVersion: balanceops/v1
            name: \(letters.isEmpty ? "policy" : letters)
            rules:
              - {id: gain, metric: bal_acc, vs: current, min_delta: 0.005}
              - {id: guard, metric: recall_1, vs: current, max_regression: 0.01}

            """
    }
}
