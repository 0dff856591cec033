import Foundation
import Testing
import Yams

@testable import BalanceCore

/// Policies as texts that anyone can add: given, when, then (`Tests/Fixtures/policies`).
struct PolicyTextCasesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var title: String
        var policy: JSONValue
        var inputs: JSONValue
        var outcome: [(String, JSONValue)]
        var testDescription: String { title }
    }

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures/policies").standardizedFileURL

    static func cases() throws -> [Case] {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return try files.filter { $0.pathExtension == "yaml" }.sorted { $0.path < $1.path }.flatMap { file in
            let text = try String(contentsOf: file, encoding: .utf8)
            return try Yams.load_all(yaml: text).map { part in
                let value = json(part)
                return Case(
                    title: "\(file.lastPathComponent): \(try #require(value["given"]?.string))",
                    policy: try #require(value["policy"]),
                    inputs: try #require(value["when"]),
                    outcome: try #require(value["then"]?.members)
                )
            }
        }
    }

    /// A part of a YAML text as JSON.
    private static func json(_ value: Any) -> JSONValue {
        switch value {
        case let object as [AnyHashable: Any]: .object(object.map { ("\($0.key)", json($0.value)) })
        case let list as [Any]: .array(list.map(json))
        case let flag as Bool: .bool(flag)
        case let number as Int: .int(number)
        case let number as Double: .double(number)
        case is NSNull: .null
        default: .string("\(value)")
        }
    }

    @Test(arguments: try cases())
    func `a policy decides as its case says`(_ example: Case) throws {
        let head: [(String, JSONValue)] = [("apiVersion", "balanceops/v1"), ("name", "case")]
        let policy = try PromotionPolicy(document: .object(head + (example.policy.members ?? [])))
        var inputs = PromotionCase(example.inputs)
        inputs.edition = 2
        inputs.now = Timestamp(milliseconds: 1_800_000_000_000)
        let decision = policy.decide(inputs).json
        let rules = decision["rules"]?.elements ?? []
        for (name, expected) in example.outcome {
            let rule = rules.first { $0["id"]?.string == name }
            let found = name == "decision" ? decision["decision"] : rule?["result"]
            #expect(found == expected, "\(name) of \(decision.text())")
        }
    }

    @Test func `there are cases`() throws { #expect(try Self.cases().count >= 18) }
}
