import BalanceCore
import Foundation
import Hummingbird

extension Dashboard {
    /// The pages about models, policies and the audit trail.
    var governance: [RouteDescription] {
        let model = "\(base)/models/{name}"
        let version = "\(model)/versions/{version}"
        let pages: [(String, String, String)] = [
            ("GET", "\(base)/models", "The registered models."), ("GET", model, "One model and its current version."),
            ("POST", "\(model)/freeze", "Freezes the model."), ("POST", "\(model)/unfreeze", "Unfreezes the model."),
            ("GET", "\(model)/rollback", "Preview of a rollback."), ("POST", "\(model)/rollback", "Rolls back."),
            ("GET", "\(model)/policy", "The policy editor."),
            ("POST", "\(model)/policy", "Tests a policy, or saves and binds it."),
            ("POST", "\(model)/policy/check", "The errors of a policy text."),
            ("GET", version, "One version: the policy's verdict, rule by rule."),
            ("POST", "\(version)/promote", "Promotes the version."), ("POST", "\(version)/approve", "Approves it."),
            ("POST", "\(version)/quarantine", "Puts it in quarantine."), ("POST", "\(version)/release", "Releases it."),
            ("GET", "\(base)/audit", "The audit trail."), ("GET", "\(base)/audit/{seq}", "One entry of it."),
        ]
        return pages.map { method, path, summary in
            let names = path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
                String($0.dropFirst().dropLast())
            }
            return RouteDescription(
                method,
                path,
                summary,
                parameters: names.map { .init($0, in: .path, [("type", "string")]) },
                form: method == "POST" ? ["reason", "actor", "generation", "policy", "to", "text", "do"] : [],
                answer: path.hasSuffix("check") ? "PolicyMistakes" : nil,
                contentType: path.hasSuffix("check") ? "application/json" : "text/html",
                success: method == "GET" || path.hasSuffix("check")
                    ? [200] : path.hasSuffix("policy") ? [303, 200] : [303],
                dialect: .page,
                failures: [.resourceNotFound, .invalidParameter, .generationConflict, .policyInvalid]
            )
        }
    }

    func addGovernance<Context: RequestContext>(to group: RouterGroup<Context>) {
        let models = ModelsPage(sources: sources, renderer: renderer)
        let version = VersionPage(sources: sources, renderer: renderer)
        let rollback = RollbackPage(sources: sources, renderer: renderer)
        let policy = PolicyPage(sources: sources, renderer: renderer)
        let audit = AuditPage(sources: sources, renderer: renderer)
        let renderer = self.renderer
        group.get("/models") { request, _ in await renderer.page(request) { try await models.list(request) } }
        group.get("/models/:name") { request, context in
            await renderer.page(request) { try await models.show(request, name: context.name()) }
        }
        for freezes in [true, false] {
            group.post("/models/:name/\(freezes ? "freeze" : "unfreeze")") { request, context in
                await renderer.page(request) {
                    try await models.act(request, name: context.name(), freezes: freezes)
                }
            }
        }
        group.get("/models/:name/rollback") { request, context in
            await renderer.page(request) { try await rollback.preview(request, name: context.name()) }
        }
        group.post("/models/:name/rollback") { request, context in
            await renderer.page(request) { try await rollback.confirm(request, name: context.name()) }
        }
        group.get("/models/:name/policy") { request, context in
            await renderer.page(request) { try await policy.show(request, name: context.name()) }
        }
        group.post("/models/:name/policy") { request, context in
            await renderer.page(request) { try await policy.submit(request, name: context.name()) }
        }
        group.post("/models/:name/policy/check") { request, _ in
            await renderer.page(request) { try await policy.check(request) }
        }
        group.get("/models/:name/versions/:version") { request, context in
            await renderer.page(request) {
                try await version.show(
                    request,
                    name: context.name(),
                    version: context.parameters.require("version")
                )
            }
        }
        for action in VersionAction.allCases {
            group.post("/models/:name/versions/:version/\(action.rawValue)") { request, context in
                await renderer.page(request) {
                    try await version.act(
                        action,
                        request,
                        name: context.name(),
                        version: context.parameters.require("version")
                    )
                }
            }
        }
        group.get("/audit") { request, _ in await renderer.page(request) { try await audit.list(request) } }
        group.get("/audit/:seq") { request, context in
            await renderer.page(request) {
                try await audit.show(request, line: context.parameters.require("seq"))
            }
        }
    }
}

extension RequestContext {
    /// The registered model that the path names.
    fileprivate func name() throws -> String {
        let text = try parameters.require("name")
        return text.removingPercentEncoding ?? text
    }
}
