import BalanceCore
import Foundation

/// Turns bytes of a named encoding into text.
enum TextEncoding {
    /// - Throws: `Failure` with code `datasetInvalid` for an unknown encoding or bytes that it has no characters for.
    static func decode(_ data: Data, _ name: String, path: String) throws -> String {
        var bytes = Array(data)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        let label = alias(name.lowercased().replacingOccurrences(of: "_", with: "-"))
        if ["utf-8", "utf8", "utf-8-sig", "ascii"].contains(label) {
            if let text = String(validating: bytes, as: UTF8.self) { return text }
            throw Failure(
                .datasetInvalid,
                "\(path) is not valid UTF-8",
                hint: "set the encoding in the spec's params, for example \"encoding\": \"cp949\""
            )
        }
        return try convert(bytes, from: label, path: path)
    }

    /// Python's names for encodings that the C library calls otherwise.
    private static func alias(_ name: String) -> String {
        let names = [
            "latin-1": "latin1", "iso8859-1": "latin1", "ms949": "cp949", "uhc": "cp949", "euckr": "euc-kr",
            "ks-c-5601-1987": "euc-kr", "utf8-sig": "utf-8-sig",
        ]
        return names[name] ?? name
    }

    /// The C library knows the encodings of the world, the Korean ones among them.
    private static func convert(_ bytes: [UInt8], from name: String, path: String) throws -> String {
        let converter = iconv_open("UTF-8", name)
        guard Int(bitPattern: converter) != -1 else {
            throw Failure(.datasetInvalid, "unknown encoding '\(name)'", hint: "try utf-8, cp949, euc-kr or latin1")
        }
        defer { iconv_close(converter) }
        var input = bytes.map { CChar(bitPattern: $0) }
        var output = [CChar](repeating: 0, count: bytes.count * 4 + 16)
        let written = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target -> Int? in
                var from = source.baseAddress
                var to = target.baseAddress
                var left = source.count
                var room = target.count
                guard iconv(converter, &from, &left, &to, &room) != Int.max, left == 0 else { return nil }
                return target.count - room
            }
        }
        guard let written else { throw Failure(.datasetInvalid, "\(path) is not valid '\(name)'") }
        return String(decoding: output[..<written].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
