import ArgumentParser
import BalanceCore
import Foundation

/// `balanceops policy`.
struct Policy: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Checks, shows, compares and binds promotion policies.",
        subcommands: [PolicyCheck.self, PolicyList.self, PolicyShow.self, PolicyDiff.self, PolicySet.self]
    )
    static let examples =
        PolicyCheck.examples + PolicyShow.examples + PolicyDiff.examples + PolicySet.examples
}

/// Policies that are named on a command line.
enum PolicyFile {
    static func text(_ path: String) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue,
            let bytes = FileManager.default.contents(atPath: path)
        else {
            throw Failure(.fileNotFound, "cannot read the policy file \(path)", hint: "pass a YAML or JSON file")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.policyInvalid, "\(path) is not valid UTF-8", hint: "save it as UTF-8")
        }
        return text
    }

    /// A saved policy by `name` or `name@version`, or a file.
    static func find(_ text: String, in workspace: Workspace) async throws -> (policy: PromotionPolicy, text: String) {
        if FileManager.default.fileExists(atPath: text) {
            let content = try Self.text(text)
            return (try PromotionPolicy(parsing: content), content)
        }
        let saved = try await saved(text, in: workspace)
        return (saved.policy, saved.text)
    }

    static func saved(_ text: String, in workspace: Workspace) async throws -> SavedPolicy {
        let parts = text.split(separator: "@", maxSplits: 1)
        let version = parts.count == 2 ? Int(parts[1]) : nil
        let name = parts.count == 2 && version != nil ? String(parts[0]) : text
        let versions = try await workspace.governance.policyVersions(name)
        guard let found = versions.first(where: { version == nil || $0.version == version }) else {
            throw Failure(
                .resourceNotFound,
                "no policy or file named '\(text)'",
                hint: "balanceops policy list"
            )
        }
        return found
    }
}

/// `balanceops policy check`.
struct PolicyCheck: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks whether a policy file is valid.",
        discussion: "Exit status: 0 valid, 65 invalid; every error is reported with its line and column."
    )
    static let examples = ["balanceops policy check policy.yaml"]

    @Argument(help: "A YAML or JSON file.") var file: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        do {
            let policy = try PromotionPolicy(parsing: PolicyFile.text(file))
            if json {
                return Output.json(
                    .object([
                        ("ok", .bool(true)), ("name", .string(policy.name)), ("hash", .string(policy.hash)),
                        ("warnings", .strings(policy.warnings)), ("document", policy.json),
                    ])
                )
            }
            for warning in policy.warnings { Output.note("warning: \(warning)") }
            Output.ok("\(file): valid policy '\(policy.name)', \(policy.rules.count) rules, \(policy.hash.prefix(12))")
        } catch let failure as Failure where failure.code == .policyInvalid {
            if json {
                Output.json(
                    .object([
                        ("ok", .bool(false)),
                        ("mistakes", failure.details ?? .array([.object([("message", .string(failure.message))])])),
                    ])
                )
            } else {
                if failure.details == nil { Output.line("\(file): \(failure.message)") }
                for issue in failure.details?.elements ?? [] {
                    let place = issue["line"]?.integer.map {
                        $0 > 0 ? "\(file):\($0):\(issue["column"]?.integer ?? 0)" : file
                    }
                    Output.line("\(place ?? file): \(issue["message"]?.string ?? "")")
                }
            }
            throw ExitCode(failure.code.row.exit)
        }
    }
}

/// `balanceops policy list`.
struct PolicyList: ExemplifiedCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the saved policies.")
    static let examples = ["balanceops policy list"]

    @OptionGroup var options: SettingsOptions
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        let policies = try await workspace.governance.policies()
        if json { return Output.json(.array(policies.map(\.json))) }
        let rows = policies.map { saved in
            [
                saved.policy.name, "version \(saved.version)", String(saved.policy.hash.prefix(12)),
                "\(saved.policy.rules.count) rules",
            ]
        }
        DecisionTable.table(rows).forEach(Output.line)
    }
}

/// `balanceops policy show`.
struct PolicyShow: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints a policy, or the one that a registered model is bound to."
    )
    static let examples = ["balanceops policy show", "balanceops policy show legacy-original"]

    @OptionGroup var options: SettingsOptions
    @Argument(help: "A policy, such as `default` or `strict@2`.") var policy: String?
    @Option(help: "The registered model.") var name = defaultModelName
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        if let policy {
            let saved = try await PolicyFile.saved(policy, in: workspace)
            if json { return Output.json(saved.json) }
            return Output.line(saved.text)
        }
        _ = try await workspace.models.model(name)
        let bound = try await workspace.governance.boundPolicy(of: name)
        if json {
            return Output.json(
                .object([
                    ("name", .string(name)), ("policy", .optional(bound?.policy.name)),
                    ("saved", bound?.json ?? .null),
                ])
            )
        }
        guard let bound else { return Output.line("\(name): none; promotions are manual") }
        Output.line("\(name): \(bound.policy.name), version \(bound.version), \(bound.policy.hash.prefix(12))")
        Output.line(bound.text)
    }
}

/// `balanceops policy diff`.
struct PolicyDiff: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compares two policies by meaning.",
        discussion: "Exit status: 0 equivalent, 1 different."
    )
    static let examples = ["balanceops policy diff strict@1 strict.yaml"]

    @OptionGroup var options: SettingsOptions
    @Argument(help: "A policy or a file.") var left: String
    @Argument(help: "A policy or a file.") var right: String

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        let old = try await PolicyFile.find(left, in: workspace).policy
        let new = try await PolicyFile.find(right, in: workspace).policy
        let before = Self.entries(old.json), after = Self.entries(new.json)
        let keys = Set(before.keys).union(after.keys).sorted()
        var count = 0
        for key in keys where before[key] != after[key] {
            count += 1
            if let text = before[key] { Output.line("- \(key): \(text)") }
            if let text = after[key] { Output.line("+ \(key): \(text)") }
        }
        guard count > 0 else { return Output.ok("the same: \(old.hash.prefix(12))") }
        throw ExitCode(1)
    }

    /// Every value by its path; a rule by its id.
    private static func entries(_ value: JSONValue, _ path: String = "") -> [String: String] {
        if let members = value.members {
            return members.reduce(into: [:]) { found, member in
                found.merge(entries(member.1, path.isEmpty ? member.0 : "\(path).\(member.0)")) { $1 }
            }
        }
        if let elements = value.elements, elements.contains(where: { $0["id"] != nil }) {
            return elements.reduce(into: [:]) { found, element in
                found.merge(entries(element, "\(path)[\(element["id"]?.string ?? "")]")) { $1 }
            }
        }
        return [path: value.text()]
    }
}

/// `balanceops policy set`.
struct PolicySet: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Saves a policy and binds a registered model to it.",
        discussion: """
            From then on every change of the alias `current` must pass the policy, whether it comes from an MLflow
            client, the API, the dashboard or a command. `none` removes the policy.
            """
    )
    static let examples = [
        "balanceops policy set strict.yaml --name credit --reason \"after the audit\"",
        "balanceops policy set default --name balance_model",
    ]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @Argument(help: "A file, a policy such as `default` or `strict@2`, or `none`.") var policy: String
    @Option(help: "The registered model.") var name = defaultModelName
    @Option(help: "Why.") var reason: String?

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        let request = try await actorOptions.request(in: workspace, reason: reason ?? "")
        if policy == "none" {
            try await workspace.governance.bind(nil, to: name, by: request)
            return Output.ok("\(name) is not bound to a policy")
        }
        _ = try await workspace.models.model(name)
        let saved = try await saved(in: workspace)
        try await workspace.governance.bind(saved, to: name, by: request)
        for warning in saved.policy.warnings { Output.note("warning: \(warning)") }
        Output.ok(
            "\(name) is bound to '\(saved.policy.name)', version \(saved.version), \(saved.policy.hash.prefix(12))"
        )
    }

    private func saved(in workspace: Workspace) async throws -> SavedPolicy {
        guard FileManager.default.fileExists(atPath: policy) else {
            return try await PolicyFile.saved(policy, in: workspace)
        }
        let text = try PolicyFile.text(policy)
        return try await workspace.governance.savePolicy(
            PromotionPolicy(parsing: text),
            text: text,
            by: actorOptions.actor(in: workspace)
        )
    }
}
