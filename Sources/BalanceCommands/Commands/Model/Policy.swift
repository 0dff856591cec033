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
    static func find(_ text: String, at api: any API) async throws -> PromotionPolicy {
        let isFile = FileManager.default.fileExists(atPath: text)
        return try PromotionPolicy(parsing: isFile ? Self.text(text) : await saved(text, at: api)["text"]?.string ?? "")
    }

    /// The name and the version, where there is one, of `name` or `name@version`.
    static func parts(_ text: String) -> (name: String, version: Int?) {
        let parts = text.split(separator: "@", maxSplits: 1)
        let version = parts.count == 2 ? Int(parts[1]) : nil
        return (version == nil ? text : String(parts[0]), version)
    }

    /// A saved policy as the API has it.
    static func saved(_ text: String, at api: any API) async throws -> JSONValue {
        let (name, version) = parts(text)
        let answer = try await api.send(APIRequest("GET", "/policies/\(name.percentEncoded)"))
        let versions = answer.isSuccess ? answer.json?["items"]?.elements ?? [] : []
        if let found = versions.first(where: { version == nil || $0["version"]?.integer == version }) { return found }
        if let failure = answer.failure, failure.code != .resourceNotFound { throw failure }
        let names = try await api.value("GET", "/policies")["items"]?.elements?.compactMap { $0["name"]?.string } ?? []
        let near = Suggestion.nearest(to: name, of: names).map { "did you mean '\($0)'? " } ?? ""
        throw Failure(
            .resourceNotFound,
            "no policy or file named '\(text)'",
            hint: "\(near)balanceops policy list lists the policies"
        )
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

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let policies = try await place.reading().value("GET", "/policies")["items"]?.elements ?? []
        if json { return Output.json(.array(policies)) }
        let rows = policies.map { saved in
            [
                saved["name"]?.string ?? "", "version \(saved["version"]?.integer ?? 0)",
                String(saved["hash"]?.string?.prefix(12) ?? ""),
                Plain.count(saved["document"]?["rules"]?.elements?.count ?? 0, "rule"),
            ]
        }
        TextTable.lines(rows).forEach(Output.line)
    }
}

/// `balanceops policy show`.
struct PolicyShow: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints a policy, or the one that a registered model is bound to."
    )
    static let examples = ["balanceops policy show", "balanceops policy show legacy-original"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Argument(help: "A policy, such as `default` or `strict@2`.") var policy: String?
    @Option(help: "The registered model.") var name = defaultModelName
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.reading()
        if let policy {
            let saved = try await PolicyFile.saved(policy, at: api)
            return json ? Output.json(saved) : Output.line(saved["text"]?.string ?? "")
        }
        try await api.requireModel(name)
        let bound = try await api.value("GET", "/models/\(name.percentEncoded)/policy")
        let policy = bound["name"]?.string
        if json {
            let saved = policy == nil ? JSONValue.null : bound
            return Output.json(.object([("name", .string(name)), ("policy", .optional(policy)), ("saved", saved)]))
        }
        guard let policy else { return Output.line("\(name): none; promotions are manual") }
        Output.line("\(name): \(policy), \(Self.version(of: bound))")
        Output.line(bound["text"]?.string ?? "")
    }

    /// `version 2, 0123456789ab`.
    static func version(of saved: JSONValue) -> String {
        "version \(saved["version"]?.integer ?? 0), \(saved["hash"]?.string?.prefix(12) ?? "")"
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

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Argument(help: "A policy or a file.") var left: String
    @Argument(help: "A policy or a file.") var right: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.reading()
        let old = try await PolicyFile.find(left, at: api)
        let new = try await PolicyFile.find(right, at: api)
        let before = Self.entries(old.json), after = Self.entries(new.json)
        let keys = Set(before.keys).union(after.keys).sorted().filter { before[$0] != after[$0] }
        if json {
            let changes = keys.map { key in
                JSONValue.object([
                    ("path", .string(key)), ("left", .optional(before[key])), ("right", .optional(after[key])),
                ])
            }
            Output.json(.object([("same", .bool(keys.isEmpty)), ("changes", .array(changes))]))
        } else {
            for key in keys {
                if let text = before[key] { Output.line(Terminal.paint("- \(key): \(text)", .red)) }
                if let text = after[key] { Output.line(Terminal.paint("+ \(key): \(text)", .green)) }
            }
            if keys.isEmpty { Output.ok("the same: \(old.hash.prefix(12))") }
        }
        if !keys.isEmpty { throw ExitCode(1) }
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

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "A file, a policy such as `default` or `strict@2`, or `none`.") var policy: String
    @Option(help: "The registered model.") var name = defaultModelName
    @Option(help: "Why.") var reason: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.api(as: actorOptions)
        try await api.requireModel(name)
        let slot = try await api.value("PUT", "/models/\(name.percentEncoded)/policy", body: body(api))
        if json { return Output.json(slot) }
        if policy == "none" { return Output.ok("\(name) is not bound to a policy") }
        let bound = try await api.value("GET", "/models/\(name.percentEncoded)/policy")
        for warning in bound["warnings"]?.strings ?? [] { Output.note("warning: \(warning)") }
        Output.ok("\(name) is bound to '\(bound["name"]?.string ?? "")', \(PolicyShow.version(of: bound))")
    }

    private func body(_ api: any API) async throws -> JSONValue {
        var body: [(String, JSONValue)] = [("reason", .string(reason ?? ""))]
        if policy == "none" {
            body.append(("policy", "none"))
        } else if FileManager.default.fileExists(atPath: policy) {
            body.append(("text", .string(try PolicyFile.text(policy))))
        } else {
            let saved = try await PolicyFile.saved(policy, at: api)
            body += [("policy", saved["name"] ?? .null), ("version", saved["version"] ?? .null)]
        }
        return .object(body)
    }
}
