import BalanceCore
import BalanceNet
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// Sends a run's file to be looked at inside a page: only as what its bytes are, and with nothing that could act for us.
struct RawFile: Sendable {
    let sources: DashboardSources

    /// What a browser shows itself; anything else is saved.
    private static let shown = [
        "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/svg+xml",
        "application/pdf",
        "audio/mpeg", "audio/wav", "audio/ogg", "video/mp4", "video/webm", "text/html",
    ]

    /// A report's scripts run in an origin of their own, without cookies, and reach nothing.
    private static let report =
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob: data:; "
        + "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data: blob:; connect-src 'none'; "
        + "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

    /// A picture has none, however it is opened.
    private static let policy =
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'; "
        + "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

    func answer(_ request: Request, id text: String, path: String) async throws -> PageRenderer.PageResult {
        let id = RunID(native: text.removingPercentEncoding ?? text)
        let key = try await RunFiles(files: sources.files, log: sources.log).key(of: id, path)
        guard let file = try await sources.files.open(key) else {
            throw Failure(.fileNotFound, "This run has no such file.", hint: "open the run's Artifacts tab")
        }
        let head = try file.read(at: 0, count: min(file.size, 4096))
        let type = ArtifactPreview(name: key.name, head: head, size: file.size).mediaType ?? ""
        guard Self.shown.contains(type) else { return .file(ArtifactDownload.response(file, name: key.name)) }
        var headers: HTTPFields = [
            .contentType: type, .cacheControl: "private, max-age=3600",
            .contentSecurityPolicy: type == "text/html" ? Self.report : Self.policy,
            .acceptRanges: "bytes",
        ]
        for (name, value) in [("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "same-origin")] {
            if let field = HTTPField.Name(name) { headers[field] = value }
        }
        return .file(Self.response(file, request, headers))
    }

    /// The whole file, or the part that a player asks for.
    private static func response(_ file: any ArtifactReader, _ request: Request, _ headers: HTTPFields) -> Response {
        var headers = headers
        let part = request.headers[.range].flatMap { Self.range($0, file.size) }
        if let range = part {
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
        }
        let shown = part ?? 0..<file.size
        let body = ResponseBody(contentLength: shown.count) { writer in
            var offset = shown.lowerBound
            while offset < shown.upperBound {
                let bytes = try file.read(at: offset, count: min(shown.upperBound - offset, 1 << 18))
                guard !bytes.isEmpty else { throw Failure(.fileNotFound, "The file changed during the download.") }
                offset += bytes.count
                try await writer.write(ByteBuffer(bytes: bytes))
            }
            try await writer.finish(nil)
        }
        return Response(status: part == nil ? .ok : .partialContent, headers: headers, body: body)
    }

    /// `bytes=0-99` of a file; nil for what is none.
    private static func range(_ text: String, _ size: Int) -> Range<Int>? {
        guard let match = text.wholeMatch(of: /bytes=(\d{1,15})-(\d{0,15})/), let from = Int(match.1), from < size
        else {
            return nil
        }
        let to = Int(match.2).map { min($0 + 1, size) } ?? size
        return from < to ? from..<to : nil
    }
}
