/// The place of an artifact below the root that the server owns; only the check of this initialiser makes one.
///
/// A key is a relative path in its one normal form: segments are names of files, which may hold every byte but `/` and NUL,
/// taken literally. None is empty, `.` or `..`, or a drive of Windows; at most 1024 bytes, and 255 a segment.
package struct ArtifactKey: Sendable, Hashable {
    package let segments: [String]

    /// - Parameter text: The key, percent-decoded exactly once.
    /// - Throws: `Failure` with code `invalidParameter`.
    package init(_ text: String) throws {
        // By bytes: a slash that a combining mark follows is one character to Swift, but still a slash to a file system.
        let segments = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        let areNames = segments.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 }
        guard areNames, !text.utf8.contains(0), !segments.contains(where: Self.isDrive),
            (1...1024).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "~")
        else {
            throw Failure(
                .invalidParameter,
                "Invalid path: '\(text.prefix(100))' is not a normalized relative path"
            )
        }
        self.segments = segments
    }

    /// Whether a name, put behind a folder on Windows, leads to another disk.
    private static func isDrive(_ name: String) -> Bool {
        let bytes = Array(name.utf8.prefix(3))
        return bytes.count == 2 && bytes[1] == UInt8(ascii: ":") && (0x61...0x7A).contains(bytes[0] | 0x20)
    }

    package var text: String { segments.joined(separator: "/") }

    /// The last segment.
    package var name: String { segments.last ?? "" }

    /// The key of something below this one.
    package func appending(_ text: String) throws -> ArtifactKey { try ArtifactKey("\(self.text)/\(text)") }
}
