/// The parser's help, arranged for its reader: a command's own flags before those that many commands share, and its
/// paragraphs wrapped once.
enum HelpText {
    private static let width = 80
    private static let first = ["ARGUMENTS", "OPTIONS"]

    static func arranged(_ help: String) -> String {
        var sections: [(header: String, lines: [String])] = [("", [])]
        for line in help.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if isHeader(line) {
                sections.append((String(line.prefix { $0 != ":" }), [line]))
            } else {
                sections[sections.count - 1].lines.append(line)
            }
        }
        let overview = sections.filter { ["", "OVERVIEW"].contains($0.header) }
        let usage = sections.filter { $0.header == "USAGE" }
        let own = first.flatMap { name in sections.filter { $0.header == name } }
        let known = ["", "OVERVIEW", "USAGE"] + first
        let others = sections.filter { !known.contains($0.header) && !$0.header.hasSuffix("SUBCOMMANDS") }
        var commands = sections.filter { $0.header.hasSuffix("SUBCOMMANDS") }
        for index in commands.indices where commands[index].header != "SUBCOMMANDS" {
            commands[index].lines[0] = commands[index].lines[0].replacing(" SUBCOMMANDS", with: "")
        }
        let arranged = overview.map { wrapped($0.lines) } + (usage + own + others + commands).map(\.lines)
        return arranged.map { trimmed($0).joined(separator: "\n") }.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private static func isHeader(_ line: String) -> Bool {
        guard let colon = line.firstIndex(of: ":"), let start = line.first, start.isUppercase else { return false }
        let name = line[..<colon]
        return name.allSatisfy { $0.isUppercase || $0 == " " }
            && (name == "OVERVIEW" || name == "USAGE" || line.hasSuffix(":"))
    }

    private static func trimmed(_ lines: [String]) -> [String] {
        Array(lines.drop { $0.isEmpty }.reversed().drop { $0.isEmpty }.reversed())
    }

    /// Paragraphs whose lines were broken where they were written, and again by the parser.
    private static func wrapped(_ lines: [String]) -> [String] {
        var paragraphs: [[String]] = [[]]
        for line in lines {
            if line.isEmpty || line.hasPrefix("Exit status:") { paragraphs.append([]) }
            if !line.isEmpty { paragraphs[paragraphs.count - 1].append(line) }
        }
        return paragraphs.filter { !$0.isEmpty }.map { fill($0.joined(separator: " ")) }.joined(separator: [""]).map {
            $0
        }
    }

    private static func fill(_ text: String) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            if !lines[lines.count - 1].isEmpty, lines[lines.count - 1].count + word.count + 1 > width {
                lines.append("")
            }
            lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
        }
        return lines
    }
}
