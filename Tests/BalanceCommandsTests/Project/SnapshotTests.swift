import BalanceCore
import BalanceTestSupport
import Foundation
import Testing

@testable import BalanceCommands

/// What people and programs see, as it was last agreed on.
///
/// After a change that is meant,
/// `BALANCEOPS_RECORD=1 swift test --filter SnapshotTests` writes it anew, and the difference is looked at before the commit.
struct SnapshotTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures/snapshots").standardizedFileURL

    private func compare(_ name: String, _ text: String, in folder: URL = folder) throws {
        let file = folder.appending(path: name)
        if ProcessInfo.processInfo.environment["BALANCEOPS_RECORD"] == "1" {
            try Data(text.utf8).write(to: file)
        }
        let before = try String(contentsOf: file, encoding: .utf8)
        let (old, new) = (before.split(separator: "\n"), text.split(separator: "\n"))
        let place = zip(old, new).enumerated().first { $0.element.0 != $0.element.1 }
        #expect(
            before == text,
            "line \((place?.offset ?? min(old.count, new.count)) + 1): \(place.map { "\($0.element.1)" } ?? "other length")"
        )
    }

    /// A line for each operation: its statuses, with what they hold.
    @Test func `the OpenAPI document`() async throws {
        let document = try await TestServer().api { try #require(try await $0.get("/openapi.json").json) }
        var lines: [String] = []
        for (path, operations) in document["paths"]?.members ?? [] {
            for (method, operation) in operations.members ?? [] {
                let answers = (operation["responses"]?.members ?? []).map { status, answer in
                    let contents = (answer["content"]?.members ?? []).map { type, content in
                        type
                            + (content["schema"]?.text().matches(of: /schemas\/(\w+)/).map { " \($0.1)" }.joined() ?? "")
                    }
                    return "\n    \(status) \(contents.joined(separator: "; "))"
                }
                let permission = operation["x-permission"]?.string ?? "none"
                lines.append("\(method.uppercased()) \(path) (\(permission))\(answers.joined())")
            }
        }
        try compare("openapi.txt", lines.joined(separator: "\n") + "\n")
    }

    @Test func `the table of endpoints in the documentation`() async throws {
        let document = try await TestServer().api { try #require(try await $0.get("/openapi.json").json) }
        var rows: [String] = []
        for (path, operations) in document["paths"]?.members ?? [] {
            for (method, operation) in operations.members ?? [] {
                let permission = try #require(operation["x-permission"]?.string.flatMap(Permission.init))
                // The pages read by GET alone: a link must not change anything.
                let reads: Set<Permission> = [.open, .signedIn, .read, .predict, .administer]
                #expect(method != "get" || reads.contains(permission), "\(path)")
                let summary = operation["summary"]?.string ?? ""
                let roles = Role.allCases.filter { $0.permissions.contains(permission) }.map(\.rawValue)
                let who =
                    permission == .open
                    ? "everybody" : permission == .signedIn ? "every account" : roles.joined(separator: ", ")
                rows.append("| \(method.uppercased()) | `\(path)` | \(permission.rawValue) | \(who) | \(summary) |")
            }
        }
        let head = """
            # Endpoints

            Every endpoint of `balanceops serve`, made from the list that the router and `/openapi.json` are made from
            (`BALANCEOPS_RECORD=1 swift test --filter SnapshotTests` writes this page). The permission is `x-permission` in the document;
            [access](access.md) tells which role has it.

            | permission | what it is for |
            | --- | --- |
            | open | health, signs of life, what a page is made of |
            | signed_in | one's own account |
            | read | runs, artifacts, models, decisions, pages |
            | predict | to have a model answer |
            | write | to track runs, store artifacts, register models and versions |
            | promote | to let a version serve if the policy allows it |
            | approve | to approve a version |
            | operate | to roll back, freeze, quarantine, load and unload |
            | administer | to force, bind and save policies, purge, and manage webhooks |

            | method | path | permission | roles | summary |
            | --- | --- | --- | --- | --- |

            """
        let docs = Self.folder.appending(path: "../../../docs").standardizedFileURL
        try compare("endpoints.md", head + rows.joined(separator: "\n") + "\n", in: docs)
    }

    /// What stands above the first command is written by hand.
    @Test func `the page of commands in the documentation`() throws {
        let docs = Self.folder.appending(path: "../../../docs").standardizedFileURL
        let before = try String(contentsOf: docs.appending(path: "cli.md"), encoding: .utf8)
        let head = try #require(before.range(of: "## Files\n").map { before[..<$0.lowerBound] })
        try compare("cli.md", CommandPage().text(head: String(head)), in: docs)
    }

    @Test func `the help of every command`() throws {
        let pages = RootCommand.all.map { words, command in
            "$ \(words) --help\n\(HelpText.arranged(RootCommand.helpMessage(for: command, columns: 80)))\n"
        }
        try compare("help.txt", pages.joined(separator: "\n"))
    }

    @Test(arguments: ["models", "audit", "experiments", "models/none"], ["en", "ko"])
    func `a page without anything on it`(page: String, language: String) async throws {
        let text = try await TestServer().api { client in
            try await client.get("/ui/\(page)", headers: [.acceptLanguage: language]).text
        }
        // Names of files carry a fingerprint, and requests an identity.
        let steady = text.replacing(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/, with: "ID").replacing(
            /\?v=[\w.-]+/,
            with: "?v=V"
        )
        try compare("\(page.replacing("/", with: "-")).\(language).html", steady)
    }
}
