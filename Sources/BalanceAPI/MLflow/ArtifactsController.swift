import BalanceCore
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The artifact proxy: `mlflow-artifacts/artifacts…`, and `artifacts/list` of a run.
struct ArtifactsController {
    let files: any ArtifactFiles
    let log: any RunLog

    private static let chunk = 1 << 18

    /// Receives a file piece by piece; a client that goes away leaves nothing.
    func put(_ request: Request, _ path: String) async throws -> Response {
        let upload = try files.upload(to: Self.key(path))
        do {
            for try await buffer in request.body {
                try buffer.withUnsafeReadableBytes { try upload.write($0) }
            }
            try upload.commit()
        } catch {
            upload.abort()
            throw error
        }
        return Response(status: .ok)
    }

    func get(_ request: Request, _ path: String) throws -> Response {
        let key = try Self.key(path)
        guard let file = try files.open(key) else {
            throw Failure(.resourceNotFound, "No such artifact: '\(key.text)'")
        }
        var headers = Self.headers(key.name)
        headers[.eTag] = file.tag
        headers[.acceptRanges] = "bytes"
        if request.headers[.ifNoneMatch] == file.tag { return Response(status: .notModified, headers: headers) }
        let isSame = request.headers[.ifRange].map { $0 == file.tag } ?? true
        switch ByteRange.parse(isSame ? request.headers[.range] : nil, size: file.size) {
        case .whole:
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

    func list(_ fields: MLflowFields) throws -> JSONValue {
        let path = try fields.text("path") ?? ""
        let entries = try files.list(path.isEmpty ? nil : ArtifactKey(path))
        return MLflowJSON.object([("files", .array(entries.map { Self.entry($0, below: "") }))])
    }

    func listOfRun(_ fields: MLflowFields) async throws -> JSONValue {
        let run = try await log.trackedRun(RunID(native: fields.required("run_id")))
        guard run.location.hasPrefix("mlflow-artifacts:/") else {
            throw Failure(
                .notImplemented,
                "The artifacts of this run are in an object store that the server does not open."
            )
        }
        let root = try ArtifactKey("\(run.location.dropFirst("mlflow-artifacts:/".count))/\(run.id.stored)/artifacts")
        let path = try fields.text("path") ?? ""
        let entries = try files.list(path.isEmpty ? root : root.appending(path))
        return MLflowJSON.object([
            ("root_uri", .string(run.artifactURI)),
            ("files", .array(entries.map { Self.entry($0, below: path.isEmpty ? "" : "\(path)/") })),
        ])
    }

    func delete(_ path: String) throws -> JSONValue {
        let key = try Self.key(path)
        guard key.segments.count > 3 else {
            throw Failure(.invalidParameter, "Invalid path: '\(key.text)' is the root of a run or above it")
        }
        try files.delete(key)
        return .object([])
    }

    /// A path of the address becomes a key after exactly one decoding.
    private static func key(_ path: String) throws -> ArtifactKey {
        guard let text = path.removingPercentEncoding else {
            throw Failure(.invalidParameter, "Invalid path: it is not in UTF-8")
        }
        return try ArtifactKey(text)
    }

    private static func entry(_ entry: ArtifactEntry, below prefix: String) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("path", .string(prefix + entry.name)), ("is_dir", .bool(entry.size == nil)),
        ]
        if let size = entry.size { members.append(("file_size", .int(size))) }
        return .object(members)
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
        let plain = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "_" })
        let encoded = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? plain
        var headers: HTTPFields = [
            .contentType: texts.contains(ending) ? "text/plain" : types[ending] ?? "application/octet-stream",
            .contentDisposition: "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)",
            .contentSecurityPolicy: "sandbox; default-src 'none'",
        ]
        headers[.xContentTypeOptions] = "nosniff"
        return headers
    }
}
