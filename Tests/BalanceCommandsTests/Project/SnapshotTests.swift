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

    private func compare(_ name: String, _ text: String) throws {
        let file = Self.folder.appending(path: name)
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

    @Test func `the help of every command`() throws {
        let pages = RootCommand.all.map { words, command in
            "$ \(words) --help\n\(RootCommand.helpMessage(for: command, columns: 100))\n"
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
