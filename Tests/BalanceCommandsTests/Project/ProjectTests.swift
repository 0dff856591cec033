import BalanceCore
import Foundation
import Testing

@testable import BalanceCommands

/// What holds the house together: the arrows between the targets, and the documentation.
struct ProjectTests {
    /// Which of our own targets each target may import.
    private static let arrows: [String: Set<String>] = [
        "balanceops": ["BalanceCommands"],
        "BalanceCommands": [
            "BalanceAPI", "BalanceCore", "BalanceDashboard", "BalanceGRPC", "BalanceInference", "BalanceNet",
            "BalanceService", "BalanceServing", "BalanceStore", "BalanceSystem", "CCrashMark",
        ],
        "BalanceAPI": ["BalanceCore", "BalanceNet", "BalanceService", "BalanceSystem"],
        "BalanceGRPC": ["BalanceCore", "BalanceNet", "BalanceService", "BalanceSystem"],
        "BalanceNet": ["BalanceCore"],
        "BalanceDashboard": ["BalanceCore", "BalanceNet", "BalanceService", "BalanceSystem", "CBalanceAssets"],
        "BalanceServing": ["BalanceCore", "BalanceService", "BalanceSystem"],
        "BalanceStore": ["BalanceCore", "BalanceSystem"],
        "BalanceInference": ["BalanceCore", "COnnxRuntime", "CZlib"],
        "BalanceService": ["BalanceCore", "BalanceSystem"],
        "BalanceSystem": ["BalanceCore", "CCrashMark"],
        "BalanceCore": [],
    ]

    static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    private static func files(_ folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".swift") }.map { "\(folder)/\($0)" }
    }

    @Test(arguments: arrows.keys.sorted())
    func `a target imports only what lies below it`(target: String) throws {
        let files = Self.files("Sources/\(target)")
        #expect(!files.isEmpty)
        for file in files {
            for match in try Self.text(file).matches(of: /(?m)^(?:package |public )?import (\w+)/) {
                let module = String(match.1)
                let isOurs = ["CBalanceAssets", "CCrashMark", "COnnxRuntime", "CZlib"].contains(module)
                guard Self.arrows[module] != nil || isOurs else { continue }
                #expect(Self.arrows[target]?.contains(module) == true, "\(file) imports \(module)")
            }
        }
    }

    @Test func `every target has its arrows here`() throws {
        let targets = try FileManager.default.contentsOfDirectory(atPath: "Sources").filter { !$0.hasPrefix("C") }
        #expect(Set(targets) == Set(Self.arrows.keys))
    }

    @Test func `the core is pure: no input or output, no clock, no randomness, no HTTP`() throws {
        let words = [
            "FileManager", "FileHandle", "ProcessInfo", "URLSession", "fopen(", "getenv", "Date()", "Date.now",
            "Clock()",
            "clock_gettime", "UUID()", "SystemRandomNumberGenerator", ".random(", ".shuffled()", "Task {", "Thread",
            "static let shared", "HTTPTypes", "HTTPField",
        ]
        for file in Self.files("Sources/BalanceCore") {
            let text = try Self.text(file)
            for word in words { #expect(!text.contains(word), "\(file) uses \(word)") }
            for match in text.matches(of: /(?m)^(?:package )?import (\w+)/) {
                #expect(
                    ["Crypto", "Foundation", "Synchronization", "Yams"].contains(match.1),
                    "\(file) imports \(match.1)"
                )
            }
        }
    }

    @Test func `every command and its flags are in the documentation`() throws {
        let page = try Self.text("docs/cli.md")
        for (words, command) in RootCommand.all {
            #expect(page.contains("## `\(words)`"), "\(words)")
            let help = RootCommand.helpMessage(for: command, columns: 200)
            for match in help.matches(of: /(?m)^  (--[a-z0-9-]+)/) where match.1 != "--version" {
                #expect(page.contains("`\(match.1)"), "\(match.1) of \(words)")
            }
        }
    }

    @Test func `every setting is in the documentation with its default`() throws {
        let page = try Self.text("docs/configuration.md")
        for setting in Setting.all {
            #expect(page.contains("`\(setting.variable)`"), "\(setting.variable)")
            #expect(setting.defaultValue.isEmpty || page.contains("`\(setting.defaultValue)`"), "\(setting.variable)")
        }
    }

    @Test func `every error code is in the documentation with its statuses`() throws {
        let page = try Self.text("docs/http-api.md")
        for code in Failure.Code.allCases {
            let row = code.row
            #expect(page.contains("| `\(code.rawValue)` | \(row.status) | `\(row.mlflow)` | \(row.exit) |"), "\(code)")
        }
    }

    @Test func `every route is in the documentation`() async throws {
        let page = try Self.text("docs/http-api.md") + Self.text("docs/mlflow.md")
        let document = try await TestServer().api { try #require(try await $0.get("/openapi.json").json) }
        for (path, _) in document["paths"]?.members ?? [] {
            // Each of MLflow's routes stands below two roots; the page names it once.
            let path = path.replacingOccurrences(of: "/ajax-api/2.0/", with: "/api/2.0/")
            #expect(page.contains("`\(path)`"), "\(path)")
        }
    }
}
