/// A request that is of the simple form, found in the bytes of a connection.
///
/// The form is far stricter than HTTP/1.1 (RFC 9112): one of five methods, one Host, at most one Content-Length, no other
/// framing, no field that asks for anything unusual. Whatever is not surely of this form is not judged here, so that this
/// reader and the normal one can never disagree on where a request ends.
struct WireRequest {
    /// What the first bytes of a connection are.
    enum Reading {
        /// The beginning of a request that may be of the form; where its length is known, the bytes that it will have.
        case incomplete(Int?)
        /// Something for the normal reader.
        case unknown
        case complete(WireRequest)
    }

    var isPost = false
    var isGet = false
    var path = 0..<0
    var host = 0..<0
    var requestID: Range<Int>?
    /// The value of the one Authorization.
    var authorization: Range<Int>?
    var body = 0..<0
    var hasContentType = false
    /// Whether no field needs more than this reader knows.
    var isPlain = true
    /// How many bytes the request has.
    var end: Int { body.upperBound }

    static let maximumHead = 8 << 10
    static let maximumBody = 1 << 20

    static func read(_ bytes: UnsafeRawBufferPointer) -> Reading {
        var reader = WireReader(bytes: bytes)
        return reader.read()
    }
}

private struct WireReader {
    let bytes: UnsafeRawBufferPointer
    var position = 0
    var request = WireRequest()
    var length: Int?
    var hosts = 0
    var fields = 0

    private enum Step {
        case ok, incomplete, unknown
    }

    mutating func read() -> WireRequest.Reading {
        let head = readHead()
        guard case .ok = head else {
            if case .incomplete = head, bytes.count < WireRequest.maximumHead { return .incomplete(nil) }
            return .unknown
        }
        guard hosts == 1, request.isPost ? length != nil : length ?? 0 == 0 else { return .unknown }
        request.body = position..<position + (length ?? 0)
        return request.end <= bytes.count ? .complete(request) : .incomplete(request.end)
    }

    private mutating func readHead() -> Step {
        var step = readRequestLine()
        while case .ok = step {
            guard position < bytes.count else { return .incomplete }
            if bytes[position] == 0x0D {
                guard position + 1 < bytes.count else { return .incomplete }
                guard bytes[position + 1] == 0x0A else { return .unknown }
                position += 2
                return position <= WireRequest.maximumHead ? .ok : .unknown
            }
            fields += 1
            guard fields <= 64 else { return .unknown }
            step = readField()
        }
        return step
    }

    private mutating func readRequestLine() -> Step {
        let methods: [StaticString] = ["POST /", "GET /", "PUT /", "PATCH /", "DELETE /"]
        var isPrefix = false
        for (index, method) in methods.enumerated() {
            switch matches(method, at: 0) {
            case .ok:
                request.isPost = index == 0
                request.isGet = index == 1
                position = method.utf8CodeUnitCount - 1
                return readPath()
            case .incomplete: isPrefix = true
            case .unknown: continue
            }
        }
        return isPrefix ? .incomplete : .unknown
    }

    private mutating func readPath() -> Step {
        let start = position
        while position < bytes.count, bytes[position] > 0x20, bytes[position] < 0x7F { position += 1 }
        guard position < bytes.count else { return .incomplete }
        request.path = start..<position
        let version: StaticString = " HTTP/1.1\r\n"
        let step = matches(version, at: position)
        if case .ok = step { position += version.utf8CodeUnitCount }
        return step
    }

    private mutating func readField() -> Step {
        let start = position
        while position < bytes.count, Self.isName(bytes[position]) { position += 1 }
        guard position < bytes.count else { return .incomplete }
        guard position > start, bytes[position] == UInt8(ascii: ":") else { return .unknown }
        let name = start..<position
        position += 1
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
        let first = position
        while position + 8 <= bytes.count, Self.isText(bytes.word(at: position)) { position += 8 }
        while position < bytes.count, bytes[position] >= 0x20 && bytes[position] != 0x7F || bytes[position] == 0x09 {
            position += 1
        }
        guard position + 1 < bytes.count else { return .incomplete }
        guard bytes[position] == 0x0D, bytes[position + 1] == 0x0A else { return .unknown }
        // A tab behind a value stays in it: readers differ in whether they take it for part of a number.
        var last = position
        while last > first, bytes[last - 1] == 0x20 { last -= 1 }
        position += 2
        return take(name, first..<last) ? .ok : .unknown
    }

    /// Looks at a field; false where the request is not of the form.
    private mutating func take(_ name: Range<Int>, _ value: Range<Int>) -> Bool {
        switch name.count {
        case 4 where isName("host", name):
            hosts += 1
            request.host = value
            return hosts == 1 && !value.isEmpty
        case 14 where isName("content-length", name):
            guard length == nil, let number = number(value), number <= WireRequest.maximumBody else { return false }
            length = number
        case 12 where isName("x-request-id", name):
            guard request.requestID == nil, (1...200).contains(value.count) else { return false }
            request.requestID = value
            request.isPlain = request.isPlain && value.allSatisfy { bytes[$0] > 0x20 && bytes[$0] < 0x7F }
        case 12 where isName("content-type", name):
            guard !request.hasContentType else { return false }
            request.hasContentType = true
            request.isPlain = request.isPlain && isName("application/json", value)
        case 13 where isName("authorization", name):
            guard request.authorization == nil else { return false }
            request.authorization = value
        case 10 where isName("connection", name): return isName("keep-alive", value)
        case 17 where isName("transfer-encoding", name): return false
        case 7 where isName("upgrade", name) || isName("trailer", name): return false
        case 6 where isName("expect", name): return false
        case 2 where isName("te", name): return false
        case 14 where isName("http2-settings", name): return false
        case 16 where isName("proxy-connection", name): return false
        default: request.isPlain = request.isPlain && isHarmless(name)
        }
        return true
    }

    /// Fields that change nothing of an answer.
    private func isHarmless(_ name: Range<Int>) -> Bool {
        switch name.count {
        case 6: isName("accept", name) || isName("cookie", name)
        case 10: isName("user-agent", name) || isName("keep-alive", name)
        case 15: isName("accept-encoding", name) || isName("accept-language", name)
        default: false
        }
    }

    /// Whether each of eight bytes is one of a value's: no control character.
    private static func isText(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs = ones << 7
        let isLow = (word &- ones &* 0x20) & ~word & highs
        let delete = word ^ ones &* 0x7F
        return isLow | ((delete &- ones) & ~delete & highs) == 0
    }

    private func number(_ range: Range<Int>) -> Int? {
        guard (1...9).contains(range.count) else { return nil }
        var number = 0
        for index in range {
            guard bytes[index] >= 0x30, bytes[index] <= 0x39 else { return nil }
            number = number * 10 + Int(bytes[index] - 0x30)
        }
        return number
    }

    private func matches(_ text: StaticString, at start: Int) -> Step {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        for (index, byte) in wanted.enumerated() {
            guard start + index < bytes.count else { return .incomplete }
            guard bytes[start + index] == byte else { return .unknown }
        }
        return .ok
    }

    /// Whether a range holds a text, which is lowercase here, in any case.
    private func isName(_ text: StaticString, _ range: Range<Int>) -> Bool {
        guard text.utf8CodeUnitCount == range.count else { return false }
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        for (index, byte) in wanted.enumerated() {
            let found = bytes[range.lowerBound + index]
            guard found == byte || (found >= 0x41 && found <= 0x5A && found | 0x20 == byte) else { return false }
        }
        return true
    }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
