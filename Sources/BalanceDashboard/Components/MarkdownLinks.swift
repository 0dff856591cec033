/// Where the links and images of one text may lead, and the definitions that they name.
final class MarkdownLinks {
    /// What a link or an image names, without its escapes.
    struct Target {
        var destination: [UInt8]
        var title: [UInt8] = []
    }

    private var definitions: [String: Target] = [:]
    /// How many bytes definitions may still add; many links to a long one must not make a small text large.
    private var budget: Int
    private let image: (String) -> String?

    init(length: Int, image: @escaping (String) -> String?) {
        budget = max(length, 100_000)
        self.image = image
    }

    /// Removes the definitions at the start of a paragraph, as in `[label]: destination "title"`, and keeps them.
    func takeDefinitions(_ text: inout [UInt8]) {
        var reader = MarkdownTargetReader(text)
        while let (label, target) = reader.definition() {
            let key = Self.key(label)
            if definitions[key] == nil { definitions[key] = target }
        }
        if reader.position > 0 { text.removeFirst(reader.position) }
    }

    /// What a label in brackets stands for.
    func target(label: ArraySlice<UInt8>) -> Target? {
        guard !definitions.isEmpty, label.count < 1000, let target = definitions[Self.key(label)] else { return nil }
        budget -= target.destination.count + target.title.count
        return budget >= 0 ? target : nil
    }

    /// Labels are the same in any case and with any blanks.
    private static func key(_ label: ArraySlice<UInt8>) -> String {
        let words = label.split { $0.isBlank || $0 == 0x0A }
        return String(decoding: Array(words.joined(separator: [0x20])), as: UTF8.self).lowercased()
    }

    /// The address of a link in characters that every browser takes alike; nil where it may not be followed.
    static func address(_ destination: [UInt8]) -> [UInt8]? {
        // Browsers drop control characters and blanks at the start before they look for a scheme.
        guard !destination.contains(where: { $0 < 0x20 || $0 == 0x7F }), destination.first != 0x20 else { return nil }
        if let end = destination.firstIndex(where: { ":/?#".utf8.contains($0) }), destination[end] == UInt8(ascii: ":")
        {
            let scheme = destination[..<end].map(\.lowercased)
            guard ["http", "https", "mailto"].contains(where: { scheme.elementsEqual($0.utf8) }) else { return nil }
        }
        let digits = Array("0123456789ABCDEF".utf8)
        return destination.flatMap { byte -> [UInt8] in
            let isPlain = byte > 0x20 && byte < 0x7F && !"\"<>\\^`{|}".utf8.contains(byte)
            return isPlain ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }

    /// The URL of an image of the same run; nil where the destination is no path below it.
    func source(_ destination: [UInt8]) -> String? {
        let path = String(decoding: destination, as: UTF8.self)
        guard let plain = Self.decoded(path.hasPrefix("./") ? String(path.dropFirst(2)) : path) else {
            return nil
        }
        let isPlain = plain.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && !"\\:?#".utf8.contains($0) }
        let parts = plain.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard isPlain,
            !parts.contains(where: { $0.isEmpty || $0.elementsEqual("..".utf8) || $0.elementsEqual(".".utf8) })
        else { return nil }
        return image(plain)
    }

    private static func decoded(_ path: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(path.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ $0.isDigit || $0.isLetter }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
