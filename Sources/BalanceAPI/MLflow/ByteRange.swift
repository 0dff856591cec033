/// A part of a file that a `Range` header asks for (RFC 9110, section 14).
struct ByteRange: Equatable {
    var start: Int
    /// The first byte behind the part.
    var end: Int

    /// What a request asks for.
    enum Request: Equatable {
        case whole
        case part(ByteRange)
        case unsatisfiable
    }

    /// Reads a header for a file of a size; several ranges, and what is none, ask for the whole file.
    static func parse(_ header: String?, size: Int) -> Request {
        guard let header, header.hasPrefix("bytes="), !header.contains(",") else { return .whole }
        let parts = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }) else {
            return .whole
        }
        if parts[0].isEmpty {
            guard !parts[1].isEmpty else { return .whole }
            let count = min(Int(parts[1]) ?? size, size)
            return count == 0 ? .unsatisfiable : .part(ByteRange(start: size - count, end: size))
        }
        // A number that does not fit is beyond the end of any file.
        let first = Int(parts[0]) ?? Int.max
        let last = parts[1].isEmpty ? size - 1 : min(Int(parts[1]) ?? Int.max, size - 1)
        if first >= size { return .unsatisfiable }
        return first > last ? .whole : .part(ByteRange(start: first, end: last + 1))
    }
}
