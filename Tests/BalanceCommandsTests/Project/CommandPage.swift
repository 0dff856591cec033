import BalanceCore
import Foundation
import Testing

@testable import BalanceCommands

/// `docs/cli.md`, made from the commands themselves.
struct CommandPage {
    private let root: JSONValue

    init() throws {
        let dump = try JSONValue(parsing: Array(RootCommand._dumpHelp().utf8))
        root = try #require(dump["command"])
    }

    /// Flags that many commands share, told once: the title of their section, and what it is about.
    private static let shared = [
        ("Files", "Files", "Where the data is, for commands that work on the files of this machine."),
        (
            "Files or server", "Files or server",
            "Where a command acts: on the files of this machine, or with `--server` on a running server, with the same answers. "
                + "`BALANCEOPS_SERVER` is the default of `--server`; `BALANCEOPS_TOKEN` is the token that the server asks for."
        ),
        ("Audit trail", "Audit trail", "Whom the audit trail names, where the server has no accounts."),
    ]

    func text(head: String) throws -> String {
        var page = head
        for (title, heading, about) in Self.shared {
            page += "## \(heading)\n\n\(about)\n\n" + Self.table(try sample(title))
        }
        for group in RootCommand.groups {
            page += "## \(group.name)\n\n"
            for command in group.commands {
                let name = command._commandName
                let node = try #require(Self.child(name, of: root))
                page += Self.section([name], node, command.examples)
                for below in command.configuration.subcommands {
                    let words = [name, below._commandName]
                    let examples = (below as? any ExemplifiedCommand.Type)?.examples ?? []
                    page += Self.section(words, try #require(Self.child(words[1], of: node)), examples)
                }
            }
        }
        return page.trimmingCharacters(in: .newlines) + "\n"
    }

    private static func child(_ name: String, of node: JSONValue) -> JSONValue? {
        node["subcommands"]?.elements?.first { $0["commandName"]?.string == name }
    }

    /// The flags of a shared section, as the first command that has it lists them.
    private func sample(_ title: String) throws -> [JSONValue] {
        func find(_ node: JSONValue) -> [JSONValue]? {
            let found = (node["arguments"]?.elements ?? []).filter { $0["sectionTitle"]?.string == title }
            return found.isEmpty ? node["subcommands"]?.elements?.lazy.compactMap(find).first : found
        }
        return try #require(find(root), "\(title)")
    }

    private static func section(_ words: [String], _ node: JSONValue, _ examples: [String]) -> String {
        let title = words.joined(separator: " ")
        var text = "### `\(title)`\n\n\(node["abstract"]?.string ?? "")\n\n"
        for paragraph in paragraphs(node["discussion"]?.string ?? "") { text += "\(paragraph)\n\n" }
        guard node["subcommands"]?.elements?.isEmpty ?? true else { return text }
        let own = examples.isEmpty ? "" : "```\n\(examples.joined(separator: "\n"))\n```\n\n"
        let all = (node["arguments"]?.elements ?? []).filter {
            $0["shouldDisplay"]?.boolean != false && !["version", "help"].contains($0["valueName"]?.string ?? "")
                || $0["kind"]?.string == "positional"
        }
        let titles = shared.map(\.0)
        text += own + table(all.filter { !titles.contains($0["sectionTitle"]?.string ?? "") })
        let used = titles.filter { title in all.contains { $0["sectionTitle"]?.string == title } }
        if used.isEmpty { return text }
        let links = used.map { "[\($0)](#\($0.lowercased().replacing(" ", with: "-")))" }
        return text + "And the flags of \(links.joined(separator: " and ")).\n\n"
    }

    private static func paragraphs(_ discussion: String) -> [String] {
        var found: [String] = []
        for line in discussion.split(separator: "\n") {
            if found.isEmpty || line.hasPrefix("Exit status:") { found.append("") }
            found[found.count - 1] += (found[found.count - 1].isEmpty ? "" : " ") + line
        }
        return found
    }

    private static func table(_ arguments: [JSONValue]) -> String {
        let rows = arguments.map { argument -> String in
            let value = "<\(argument["valueName"]?.string ?? "")>"
            let names = (argument["names"]?.elements ?? []).filter { $0["kind"]?.string == "long" }
            let flag = names.map { "--\($0["name"]?.string ?? "")" }.joined(separator: ", ")
            let isFlag = argument["kind"]?.string == "flag"
            let term = flag.isEmpty ? value : isFlag ? flag : "\(flag) \(value)"
            let standard = argument["defaultValue"]?.string.map { " (default: \($0))" } ?? ""
            return "| `\(term)` | \(argument["abstract"]?.string ?? "")\(standard) |"
        }
        if rows.isEmpty { return "" }
        return "| flag | meaning |\n| --- | --- |\n" + rows.joined(separator: "\n") + "\n\n"
    }
}
