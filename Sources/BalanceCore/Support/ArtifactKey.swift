/// The place of an artifact below the root that the server owns; only the check of this initialiser makes one.
///
/// A key is a relative path in its one normal form, so that there is a single reading of it: no empty, `.` or `..`
/// segments, no backslash, drive letter, `%`, `?`, `#`, `;` or control byte, at most 1024 bytes and 255 a segment.
package struct ArtifactKey: Sendable, Hashable {
    package let segments: [String]

    /// - Parameter text: The key, percent-decoded exactly once.
    /// - Throws: `Failure` with code `invalidParameter`.
    package init(_ text: String) throws {
        // By bytes: a slash that a combining mark follows is one character to Swift, but still a slash to a file system.
        let segments = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        let isPlain = text.utf8.allSatisfy { $0 > 0x1F && $0 != 0x7F && !"\\%?#;".utf8.contains($0) }
        let areNames = segments.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 }
        let bytes = Array(text.utf8.prefix(2))
        let isDrive = bytes.count == 2 && bytes[1] == UInt8(ascii: ":") && (bytes[0] | 0x20) >= 0x61
        guard isPlain, areNames, !isDrive, (1...1024).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "~")
        else {
            throw Failure(
                .invalidParameter,
                "Invalid path: '\(text.prefix(100))' is no relative path in its normal form"
            )
        }
        self.segments = segments
    }

    package var text: String { segments.joined(separator: "/") }

    /// The last segment.
    package var name: String { segments.last ?? "" }

    /// The key of something below this one.
    package func appending(_ text: String) throws -> ArtifactKey { try ArtifactKey("\(self.text)/\(text)") }
}
