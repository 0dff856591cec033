import BalanceCore
import Foundation

/// Reads `.env` as python-dotenv does, whose files users bring along.
///
/// CRLF, a byte order mark, `export`, quotes and comments behind values are none of swift-configuration's own reader's.
enum EnvironmentFile {
    /// The variables of a file; none where there is no file.
    static func read(_ path: String) throws -> [String: String] {
        var status = stat()
        guard stat(path, &status) == 0 else { return [:] }
        guard status.st_mode & S_IFMT == S_IFREG, let data = FileManager.default.contents(atPath: path) else {
            throw Failure(.invalidArgument, "cannot read \(path)", hint: "check its permissions")
        }
        var values: [String: String] = [:]
        for line in String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard let (name, value) = entry(line.trimmingPrefix("\u{FEFF}")) else { continue }
            values[name] = value
        }
        return values
    }

    private static func entry(_ line: Substring) -> (String, String)? {
        var text = line.trimmingCharacters(in: .whitespaces)
        if text.hasPrefix("export ") { text = String(text.dropFirst(7)) }
        guard !text.hasPrefix("#"), let equals = text.firstIndex(of: "=") else { return nil }
        let name = text[..<equals].trimmingCharacters(in: .whitespaces)
        let rest = text[text.index(after: equals)...].trimmingCharacters(in: .whitespaces)
        return name.isEmpty ? nil : (name, value(rest))
    }

    /// What stands in quotes, or the text up to a comment.
    private static func value(_ text: String) -> String {
        if let quote = text.first, "\"'".contains(quote), let end = text.dropFirst().firstIndex(of: quote) {
            return String(text[text.index(after: text.startIndex)..<end])
        }
        let end = text.range(of: " #")?.lowerBound ?? text.endIndex
        return text[..<end].trimmingCharacters(in: .whitespaces)
    }
}
