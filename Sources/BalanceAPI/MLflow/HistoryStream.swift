import BalanceCore
import BalanceNet
import Hummingbird
import NIOCore

/// A metric's history as the answer of `metrics/get-history`, read and written piece by piece: however long it is, no more than
/// a piece of it is in memory.
struct HistoryStream: Sendable {
    let log: any RunLog
    let key: String
    let run: RunID
    /// How many points the answer has at most.
    let limit: Int

    /// The points of a piece.
    private static let piece = 5000

    /// The answer from a place on.
    ///
    /// - Throws: `Failure` with code `invalidParameter` for a place that belongs to another history.
    func response(after: String?) async throws -> Response {
        let first = try await log.history(of: key, run: run, limit: min(limit, Self.piece), after: after)
        guard !first.items.isEmpty else { return .json(.object([])) }
        let body = ResponseBody { writer in
            var text = PointText(key: key)
            var (page, rest) = (first, limit)
            while true {
                text.append(page.items)
                rest -= page.items.count
                guard let next = page.next, rest > 0 else { break }
                try await writer.write(text.take())
                page = try await log.history(of: key, run: run, limit: min(rest, Self.piece), after: next)
            }
            text.end(next: page.next.map(PageToken.text))
            try await writer.write(text.take())
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/json"], body: body)
    }
}

/// The text of many points of one metric.
private struct PointText {
    private let start: [UInt8]
    private var bytes = ByteBuffer()
    private var isFirst = true

    init(key: String) {
        start = Array("{\"key\":".utf8) + JSONValue.string(key).bytes() + Array(",\"value\":".utf8)
        bytes.writeStaticString("{\"metrics\":[")
    }

    mutating func append(_ points: [MetricPoint]) {
        bytes.reserveCapacity(minimumWritableBytes: points.count * (start.count + 80))
        for point in points {
            if !isFirst { bytes.writeStaticString(",") }
            isFirst = false
            bytes.writeBytes(start)
            if point.value.isFinite {
                bytes.writeString(point.value.description)
            } else {
                bytes.writeBytes(JSONValue.finite(point.value).bytes())
            }
            bytes.writeStaticString(",\"timestamp\":")
            bytes.writeString(String(point.timestamp.milliseconds))
            bytes.writeStaticString(",\"step\":")
            bytes.writeString(String(point.step))
            bytes.writeStaticString("}")
        }
    }

    mutating func end(next: String?) {
        bytes.writeStaticString("]")
        if let next {
            bytes.writeStaticString(",\"next_page_token\":")
            bytes.writeBytes(JSONValue.string(next).bytes())
        }
        bytes.writeStaticString("}")
    }

    /// What was written since the last time.
    mutating func take() -> ByteBuffer {
        defer { bytes = ByteBuffer() }
        return bytes
    }
}
