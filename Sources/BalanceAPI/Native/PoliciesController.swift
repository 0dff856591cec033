import BalanceCore
import BalanceNet
import Hummingbird

/// Policies: looked at, checked, saved, bound to models.
struct PoliciesController: Sendable {
    let sources: GovernanceSources

    var endpoints: [Endpoint] {
        [
            Endpoint(
                .init("GET", "/schemas/policy.json", "The JSON schema of policies.", answer: "Document"),
                .open
            ) { _, _ in .json(PolicySchema.json) },
            Endpoint(
                .init("GET", "/policies", "The newest version of each policy.", answer: "PolicyList"),
                .read,
                on: .any
            ) {
                _,
                _ in
                .json(Self.list(try await sources.governance.policies()))
            },
            Endpoint(
                .governed("GET", "/policies/{name}", "All versions of a policy.", answer: "PolicyList"),
                .read,
                on: .any
            ) {
                try await versions(of: $1.text("name"))
            },
            // The name of a route and, for a GET, that of a policy.
            Endpoint(
                .governed(
                    "GET",
                    "/policies/check",
                    "All versions of the policy named check.",
                    answer: "PolicyList"
                ),
                .read,
                on: .any
            ) { _, _ in try await versions(of: "check") },
            Endpoint(
                .init(
                    "POST",
                    "/policies/check",
                    "Validates a policy text and reports the position of each error.",
                    body: "PolicyText",
                    answer: "PolicyCheck",
                    failures: [.policyInvalid, .invalidParameter]
                ),
                .read,
                on: .any
            ) { request, _ in .json(try await check(request)) },
            Endpoint(
                .init(
                    "POST",
                    "/policies",
                    "Saves a policy as the next version of its name.",
                    body: "PolicyText",
                    answer: "Policy",
                    failures: [.policyInvalid, .invalidParameter]
                ),
                .administer
            ) { .json(try await save($0, $1)) },
            Endpoint(
                .governed("GET", "/models/{name}/policy", "The policy that a model is bound to.", answer: "Policy"),
                .read
            ) { _, context in
                let name = try context.text("name")
                _ = try await sources.registry.model(name)
                return .json(try await sources.governance.boundPolicy(of: name)?.json ?? .object([]))
            },
            Endpoint(
                .governed(
                    "PUT",
                    "/models/{name}/policy",
                    "Binds a model to a policy.",
                    body: "PolicyBinding",
                    answer: "Slot",
                    failures: [.policyInvalid, .generationConflict]
                ),
                .administer
            ) { .json(try await bind($0, $1)) },
        ]
    }

    private func check(_ request: Request) async throws -> JSONValue {
        let policy = try await Self.policy(request)
        return .object([
            ("ok", .bool(true)), ("name", .string(policy.name)), ("hash", .string(policy.hash)),
            ("document", policy.json), ("warnings", .strings(policy.warnings)),
        ])
    }

    private func save(_ request: Request, _ context: AppContext) async throws -> JSONValue {
        let asked = try await GovernedRequest(request, context)
        let text = try asked.fields.required("text")
        let policy = try PromotionPolicy(parsing: text)
        return try await sources.governance.savePolicy(policy, text: text, by: asked.transition.actor).json
    }

    private func versions(of name: String) async throws -> Response {
        let versions = try await sources.governance.policyVersions(name)
        guard !versions.isEmpty else { throw Self.unknown(name) }
        return .json(Self.list(versions))
    }

    private func bind(_ request: Request, _ context: AppContext) async throws -> JSONValue {
        let (name, asked) = (try context.text("name"), try await GovernedRequest(request, context))
        let saved: SavedPolicy?
        if let text = try asked.fields.text("text") {
            let policy = try PromotionPolicy(parsing: text)
            _ = try await sources.registry.model(name)
            saved = try await sources.governance.savePolicy(policy, text: text, by: asked.transition.actor)
        } else {
            saved = try await named(asked.fields.required("policy"), version: asked.fields.integer("version"))
        }
        try await sources.governance.bind(saved, to: name, by: asked.transition)
        return try await sources.governance.slot(of: name).json
    }

    /// A saved policy by its name; nil for `none`.
    private func named(_ name: String, version: Int?) async throws -> SavedPolicy? {
        if name == "none" { return nil }
        let versions = try await sources.governance.policyVersions(name)
        guard let found = versions.first(where: { version == nil || $0.version == version }) else {
            guard let version, !versions.isEmpty else { throw Self.unknown(name) }
            throw Failure(
                .resourceNotFound,
                "policy '\(name)' has no version \(version)",
                hint: "GET /policies/\(name)"
            )
        }
        return found
    }

    private static func policy(_ request: Request) async throws -> PromotionPolicy {
        let fields = try await MLflowFields.body(request)
        if fields.isMalformed {
            throw Failure(.invalidParameter, "The body must be a JSON object.", hint: "send {\"text\": …}")
        }
        return try PromotionPolicy(parsing: fields.required("text"))
    }

    private static func list(_ policies: [SavedPolicy]) -> JSONValue {
        .object([("items", .array(policies.map(\.json))), ("count", .int(policies.count))])
    }

    private static func unknown(_ name: String) -> Failure {
        Failure(.resourceNotFound, "policy '\(name.prefix(100))' not found", hint: "GET /policies lists the policies")
    }
}
