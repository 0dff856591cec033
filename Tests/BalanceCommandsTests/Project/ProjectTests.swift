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
            "BalanceServing", "BalanceStore", "CCrashMark",
        ],
        "BalanceAPI": ["BalanceCore", "BalanceNet"],
        "BalanceGRPC": ["BalanceCore", "BalanceNet"],
        "BalanceNet": ["BalanceCore"],
        "BalanceDashboard": ["BalanceCore", "BalanceNet", "CBalanceAssets"],
        "BalanceServing": ["BalanceCore"],
        "BalanceStore": ["BalanceCore"],
        "BalanceInference": ["BalanceCore", "COnnxRuntime", "CZlib"],
        "BalanceCore": ["CCrashMark"],
    ]

    private static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

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

    @Test func `the core does no input and output`() throws {
        for file in Self.files("Sources/BalanceCore") {
            let text = try Self.text(file)
            for word in ["FileManager", "FileHandle", "import NIO", "URLSession", "fopen("] {
                #expect(!text.contains(word), "\(file) uses \(word)")
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
