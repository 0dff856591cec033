/// A kind of file that browsers show, told from its first bytes.
struct MediaSignature {
    let kind: ArtifactPreview.Kind
    let type: String

    init?(_ file: FileBytes) {
        guard let (kind, type) = Self.fixed(file.head) ?? Self.container(file) else { return nil }
        self.kind = kind
        self.type = type
    }

    private typealias Found = (ArtifactPreview.Kind, String)

    private static func fixed(_ head: [UInt8]) -> Found? {
        if head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return (.image, "image/png") }
        if head.starts(with: [0xFF, 0xD8, 0xFF]) { return (.image, "image/jpeg") }
        if head.starts(with: "GIF87a".utf8) || head.starts(with: "GIF89a".utf8) { return (.image, "image/gif") }
        if head.starts(with: "%PDF-".utf8) { return (.pdf, "application/pdf") }
        if head.starts(with: "ID3".utf8), head.count > 3, head[3] < 0x10 { return (.audio, "audio/mpeg") }
        if isBitmap(head) { return (.image, "image/bmp") }
        if isMPEGAudio(head) { return (.audio, "audio/mpeg") }
        return nil
    }

    /// Formats whose first bytes name a container, which says further on what it holds.
    private static func container(_ file: FileBytes) -> Found? {
        let head = file.head
        let inner = head.dropFirst(8).prefix(4)
        if head.starts(with: "RIFF".utf8) {
            if inner.elementsEqual("WEBP".utf8) { return (.image, "image/webp") }
            if inner.elementsEqual("WAVE".utf8) { return (.audio, "audio/wav") }
        }
        if head.dropFirst(4).starts(with: "ftyp".utf8) {
            let brand = String(decoding: inner, as: UTF8.self)
            if ["avif", "avis"].contains(brand) { return (.image, "image/avif") }
            if brand.hasPrefix("iso") || brand.hasPrefix("mp4") || ["avc1", "M4V ", "MSNV", "dash"].contains(brand) {
                return (.video, "video/mp4")
            }
        }
        let start = head.prefix(128)
        if head.starts(with: "OggS".utf8) {
            let codecs = ["vorbis", "OpusHead", "Speex", "FLAC"]
            let isAudio = ["ogg", "oga", "opus"].contains(file.ending) || codecs.contains { contains(start, $0) }
            return isAudio && !contains(start, "theora") ? (.audio, "audio/ogg") : nil
        }
        if head.starts(with: [0x1A, 0x45, 0xDF, 0xA3]), contains(start, "webm") { return (.video, "video/webm") }
        return nil
    }

    /// "BM" alone is too little: the reserved bytes are zero, and the second header has one of a few lengths.
    private static func isBitmap(_ head: [UInt8]) -> Bool {
        guard head.count >= 18, head.starts(with: "BM".utf8), head[6...9].allSatisfy({ $0 == 0 }) else { return false }
        return [12, 40, 52, 56, 64, 108, 124].contains(head[14]) && head[15...17].allSatisfy { $0 == 0 }
    }

    /// A frame of layer III; the byte order mark of UTF-16 looks like one of layer I.
    private static func isMPEGAudio(_ head: [UInt8]) -> Bool {
        guard head.count > 3, head[0] == 0xFF, head[1] & 0xE6 == 0xE2, head[1] & 0x18 != 0x08 else { return false }
        return head[2] & 0xF0 != 0xF0 && head[2] & 0xF0 != 0 && head[2] & 0x0C != 0x0C
    }

    private static func contains(_ bytes: ArraySlice<UInt8>, _ word: String) -> Bool {
        let word = Array(word.utf8)
        return bytes.indices.contains { bytes[$0...].starts(with: word) }
    }
}
