import BalanceCore

/// Names as clients of MLflow before 2026-03 ask for them.
///
/// They take a name that the server lists for percent-encoded and ask for what it decodes to: an image of `log_image` with a step is listed as
/// `dog%step%25%timestamp%…` and asked for as `dog%step%%timestamp%…`. Source: `validate_path_is_safe` in `mlflow.utils.uri`.
extension ArtifactFiles {
    /// The key of the one file or folder that is listed under a name which such a client decodes to the name in `key`; nil where there is
    /// none, or more than one.
    func listed(as key: ArtifactKey) async throws -> ArtifactKey? {
        // Experiment, run and its root are named by the server.
        guard key.segments.count > 3 else { return nil }
        var found = try ArtifactKey(key.segments.prefix(3).joined(separator: "/"))
        for segment in key.segments.dropFirst(3) {
            let names = try await list(found).map(\.name)
            var name = names.first { $0.utf8.elementsEqual(segment.utf8) }
            if name == nil {
                let same = names.filter { $0.contains("%") && Self.decoded($0).utf8.elementsEqual(segment.utf8) }
                name = same.count == 1 ? same[0] : nil
            }
            guard let name else { return nil }
            found = try found.appending(name)
        }
        return found
    }

    /// What lies in a folder; where there is no such one, in the one that is listed under that name.
    func entries(of key: ArtifactKey?) async throws -> [ArtifactEntry] {
        let entries = try await list(key)
        guard entries.isEmpty, let key, let listed = try await listed(as: key) else { return entries }
        return try await list(listed)
    }

    /// A name, decoded until nothing changes; control characters stay encoded.
    private static func decoded(_ name: String) -> String {
        var text = name
        for _ in 0..<10 {
            let next = once(text)
            if next.utf8.elementsEqual(text.utf8) { break }
            text = next
        }
        return text.unicodeScalars.map { scalar in
            let isControl = scalar.value < 0x20 || scalar.value == 0x7F
            return isControl ? "%\([UInt8(scalar.value)].hexadecimal)" : String(scalar)
        }.joined()
    }

    private static func once(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var decoded: [UInt8] = []
        var place = 0
        while place < bytes.count {
            let digits = bytes[min(place + 1, bytes.count)..<min(place + 3, bytes.count)]
            if bytes[place] == UInt8(ascii: "%"), digits.count == 2,
                digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
            {
                decoded.append(UInt8(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0)
                place += 3
            } else {
                decoded.append(bytes[place])
                place += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}
