import BalanceNet
import BalanceCore
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The artifact proxy: files by their keys.
struct ArtifactsController: Sendable {
    let files: any ArtifactFiles

    private static let chunk = 1 << 18

    /// Receives a file piece by piece; a client that goes away leaves nothing.
    func put(_ request: Request, _ key: ArtifactKey, limit: Int = .max) async throws -> Response {
        try Self.requireBelowRoot(key)
        let upload = try await files.upload(to: key)
        do {
            var size = 0
            for try await buffer in request.body {
                size += buffer.readableBytes
                guard size <= limit else {
                    throw Failure(.bodyTooLarge, "The file is over \(limit) bytes.", hint: "PUT it through the proxy.")
                }
                try buffer.withUnsafeReadableBytes { try upload.write($0) }
            }
            try await upload.commit()
        } catch {
            upload.abort()
            throw error
        }
        return Response(status: .ok)
    }

    func get(_ request: Request, _ key: ArtifactKey) async throws -> Response {
        var file = try await files.open(key)
        if file == nil, let listed = try await files.listed(as: key) { file = try await files.open(listed) }
        guard let file else {
            throw Failure(.resourceNotFound, "No such artifact: '\(key.text)'")
        }
        var headers = Self.headers(key.name)
        let tag = "\"\(file.digest)\""
        headers[.eTag] = tag
        headers[.lastModified] = HTTPDate.text(second: file.modifiedAt.milliseconds / 1000)
        headers[.acceptRanges] = "bytes"
        if request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: headers) }
        let isSame = request.headers[.ifRange].map { $0 == tag } ?? true
        switch ByteRange.parse(isSame ? request.headers[.range] : nil, size: file.size) {
        case .whole:
            // Damage in a small file is told before anything of it was sent.
            if file.size <= Self.chunk {
                let bytes = try file.read(at: 0, count: file.size)
                return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
            }
            let all = ByteRange(start: 0, end: file.size)
            return Response(status: .ok, headers: headers, body: Self.body(file, all))
        case .part(let range):
            headers[.contentRange] = "bytes \(range.start)-\(range.end - 1)/\(file.size)"
            return Response(status: .partialContent, headers: headers, body: Self.body(file, range))
        case .unsatisfiable:
            headers[.contentRange] = "bytes */\(file.size)"
            return Response(status: .rangeNotSatisfiable, headers: headers)
        }
    }

    func list(_ fields: MLflowFields) async throws -> JSONValue {
        let path = try fields.text("path") ?? ""
        let entries = try await files.entries(of: path.isEmpty ? nil : ArtifactKey(path))
        return MLflowJSON.object([("files", .array(entries.map { MLflowJSON.entry($0, below: "") }))])
    }

    func delete(_ key: ArtifactKey) async throws -> JSONValue {
        try Self.requireBelowRoot(key)
        try await files.delete(key)
        return .object([])
    }

    /// Refuses what is not below a run's or logged model's own folder: it belongs to the server.
    private static func requireBelowRoot(_ key: ArtifactKey) throws {
        guard key.segments.count > 3 else {
            throw Failure(.invalidParameter, "Invalid path: '\(key.text)' is the root of a run or above it")
        }
    }

    /// A path of the address becomes a key after exactly one decoding.
    static func key(_ path: String) throws -> ArtifactKey {
        guard let text = path.removingPercentEncoding else {
            throw Failure(.invalidParameter, "Invalid path: not valid UTF-8")
        }
        return try ArtifactKey(text)
    }

    private static func body(_ file: any ArtifactReader, _ range: ByteRange) -> ResponseBody {
        ResponseBody(contentLength: range.end - range.start) { writer in
            var offset = range.start
            while offset < range.end {
                let bytes = try file.read(at: offset, count: min(chunk, range.end - offset))
                // A file never shrinks here, as each upload is a new one; but a disk may fail.
                guard !bytes.isEmpty else { throw Failure(.fileNotFound, "The artifact ended too early.") }
                offset += bytes.count
                try await writer.write(ByteBuffer(bytes: bytes))
            }
            try await writer.finish(nil)
        }
    }

    private static let texts: Set<String> = [
        "txt", "log", "err", "cfg", "conf", "cnf", "cf", "ini", "properties", "prop", "hocon", "toml", "yaml", "yml",
        "xml", "json", "js", "py", "py3", "csv", "tsv", "md", "rst", "ipynb", "MLmodel", "MLproject", "mlproject",
    ]

    private static let types = [
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "svg": "image/svg+xml",
        "webp": "image/webp", "pdf": "application/pdf", "html": "text/html", "htm": "text/html", "css": "text/css",
        "zip": "application/zip", "gz": "application/gzip", "parquet": "application/vnd.apache.parquet",
    ]

    /// A file is saved by whoever fetches it, and never shown as a page of ours.
    private static func headers(_ name: String) -> HTTPFields {
        let ending = name.split(separator: ".").last.map(String.init) ?? name
        let plain = name.unicodeScalars.map { scalar in
            "\"\\".unicodeScalars.contains(scalar)
                ? "\\\(scalar)" : (0x20..<0x7F).contains(scalar.value) ? "\(scalar)" : "_"
        }.joined()
        return [
            .contentType: texts.contains(ending) ? "text/plain" : types[ending] ?? "application/octet-stream",
            .contentDisposition: "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(name.percentEncoded)",
            .contentSecurityPolicy: "sandbox; default-src 'none'",
        ]
    }
}
