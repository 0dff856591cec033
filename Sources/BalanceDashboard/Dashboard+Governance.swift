import BalanceCore
import BalanceNet
import Hummingbird

extension Dashboard {
    /// The pages about models, policies and the audit trail.
    var governance: [Endpoint] { modelPages + policyPages + versionPages + auditPages }

    /// A page, or a form that one sends.
    private func route(_ method: String, _ path: String, _ summary: String, success: [Int]? = nil) -> RouteDescription {
        RouteDescription(
            method,
            base + path,
            summary,
            form: method == "POST" ? ["reason", "actor", "generation", "policy", "to", "text", "do"] : [],
            contentType: "text/html",
            success: success ?? [method == "GET" ? 200 : 303],
            dialect: .page,
            failures: [.resourceNotFound, .invalidParameter, .generationConflict, .policyInvalid]
        )
    }

    private var modelPages: [Endpoint] {
        let models = ModelsPage(sources: sources, renderer: renderer)
        let rollback = RollbackPage(sources: sources, renderer: renderer)
        let trial = TryPage(sources: sources, renderer: renderer)
        return [
            page(route("GET", "/models", "The registered models."), on: .any) { request, _ in
                try await models.list(request)
            },
            page(route("GET", "/models/{name}", "One model and its current version.")) {
                try await models.show($0, name: $1.text("name"))
            },
            page(route("POST", "/models/{name}/freeze", "Freezes the model."), .operate) {
                try await models.act($0, $1, freezes: true)
            },
            page(route("POST", "/models/{name}/unfreeze", "Unfreezes the model."), .operate) {
                try await models.act($0, $1, freezes: false)
            },
            page(route("GET", "/models/{name}/try", "A form that asks the current version."), .predict) {
                try await trial.show($0, $1)
            },
            page(route("POST", "/models/{name}/try", "Asks the current version.", success: [200]), .predict) {
                try await trial.send($0, $1)
            },
            page(route("GET", "/models/{name}/rollback", "Preview of a rollback.")) {
                try await rollback.preview($0, name: $1.text("name"))
            },
            page(route("POST", "/models/{name}/rollback", "Rolls back."), .operate) {
                try await rollback.confirm($0, $1)
            },
        ]
    }

    private var policyPages: [Endpoint] {
        let policy = PolicyPage(sources: sources, renderer: renderer)
        var check = route("POST", "/models/{name}/policy/check", "The errors of a policy text.", success: [200])
        check.answers = ["PolicyMistakes"]
        check.contentType = "application/json"
        return [
            page(route("GET", "/models/{name}/policy", "The policy editor.")) {
                try await policy.show($0, name: $1.text("name"))
            },
            page(
                route("POST", "/models/{name}/policy", "Tests a policy, or saves and binds it.", success: [303, 200]),
                .administer
            ) { try await policy.submit($0, $1) },
            page(check) { try await policy.check($0, $1) },
        ]
    }

    private var versionPages: [Endpoint] {
        let version = VersionPage(sources: sources, renderer: renderer)
        let path = "/models/{name}/versions/{version}"
        return [
            page(route("GET", path, "One version: the policy's verdict, rule by rule.")) {
                try await version.show($0, name: $1.text("name"), version: $1.parameters.require("version"))
            }
        ]
            + VersionAction.allCases.map { action in
                page(route("POST", "\(path)/\(action.rawValue)", action.summary), action.permission) {
                    try await version.act(
                        action,
                        $0,
                        $1
                    )
                }
            }
    }

    private var auditPages: [Endpoint] {
        let audit = AuditPage(sources: sources, renderer: renderer)
        return [
            page(route("GET", "/audit", "The audit trail.")) { request, _ in try await audit.list(request) },
            page(route("GET", "/audit/{seq}", "One entry of it.")) {
                try await audit.show($0, line: $1.parameters.require("seq"))
            },
        ]
    }
}
