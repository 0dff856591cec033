import ArgumentParser
import BalanceCore

/// `balanceops policy`.
struct Policy: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Shows and binds the policy that a registered model obeys.",
        subcommands: [PolicyShow.self, PolicySet.self]
    )
    static let examples = PolicyShow.examples + PolicySet.examples
}

/// `balanceops policy show`.
struct PolicyShow: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints the policy that a registered model is bound to."
    )
    static let examples = ["balanceops policy show"]

    @OptionGroup var options: SettingsOptions
    @Option(help: "The registered model.") var name = defaultModelName
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        _ = try await workspace.models.model(name)
        let bound = try await workspace.models.policyName(of: name)
        let rules = bound.flatMap(PromotionPolicy.named)?.rules ?? []
        if json {
            return Output.json(
                .object([
                    ("name", .string(name)), ("policy", .optional(bound)),
                    (
                        "rules",
                        .array(rules.map { .object([("metric", .string($0.metric)), ("change", .double($0.change))]) })
                    ),
                ])
            )
        }
        Output.line("\(name): \(bound ?? "none; whoever moves the alias decides")")
        for rule in rules {
            Output.line("  \(rule.metric) >= current \(rule.change < 0 ? "-" : "+") \(abs(rule.change))")
        }
    }
}

/// `balanceops policy set`.
struct PolicySet: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Binds a registered model to a policy.",
        discussion: """
            From then on the alias `current` of the model moves only where the policy allows it, whether MLflow's client or
            the API asks. `none` lifts the bond. `balanceops promote` stays a person's decision.
            """
    )
    static let examples = ["balanceops policy set default --name balance_model"]

    @OptionGroup var options: SettingsOptions
    @Argument(help: "`default` or `none`.") var policy: String
    @Option(help: "The registered model.") var name = defaultModelName

    func validate() throws {
        guard policy == "none" || PromotionPolicy.named(policy) != nil else {
            throw ValidationError("There is no policy '\(policy)'; there are default and none.")
        }
    }

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        try await workspace.models.bindPolicy(policy == "none" ? nil : policy, to: name, at: .now())
        Output.ok(policy == "none" ? "\(name) is bound to no policy" : "\(name) obeys the policy '\(policy)'")
    }
}
