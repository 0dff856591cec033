import BalanceCore
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// Sends files that a run recorded, if they lie below the artifact root.
enum ArtifactDownload {
    /// The largest file that is sent, in bytes.
    static let maximumSize = 50_000_000

    /// What can be said of a recorded file.
    struct State {
        var path: String?
        var size: Int?
        var isOutside = false
        var isTooLarge: Bool { (size ?? 0) > ArtifactDownload.maximumSize }
        var isDownloadable: Bool { size != nil && !isOutside && !isTooLarge }
    }

    static func state(of artifact: ArtifactRecord, _ store: any ArtifactStore) -> State {
        guard let path = store.resolve(artifact.path) else { return State() }
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let root = URL(fileURLWithPath: store.root).resolvingSymlinksInPath().path
        let size = try? FileManager.default.attributesOfItem(atPath: real)[.size] as? Int
        return State(path: real, size: size, isOutside: !real.hasPrefix(root + "/"))
    }

    static func response(_ artifact: ArtifactRecord, _ store: any ArtifactStore) throws -> Response {
        let state = state(of: artifact, store)
        guard let path = state.path, let size = state.size, !state.isOutside else {
            throw Failure(.fileNotFound, "The file no longer exists.", hint: "its path is \(artifact.path)")
        }
        guard !state.isTooLarge else {
            throw Failure(.bodyTooLarge, "The file is larger than 50 MB.", hint: "copy it from \(artifact.path)")
        }
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Failure(.fileNotFound, "Cannot read the file.", hint: "its path is \(artifact.path)")
        }
        let body = ResponseBody(contentLength: size) { writer in
            defer { try? file.close() }
            var left = size
            while left > 0, let data = try file.read(upToCount: min(left, 1 << 18)), !data.isEmpty {
                left -= data.count
                try await writer.write(ByteBuffer(bytes: data))
            }
            // A file that shrank must not leave the client waiting for the rest.
            guard left == 0 else { throw Failure(.fileNotFound, "The file changed during the download.") }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers(name: (path as NSString).lastPathComponent), body: body)
    }

    /// Sends a stored artifact, which is compared with its digest on the way.
    static func response(_ file: any ArtifactReader, name: String) -> Response {
        let body = ResponseBody(contentLength: file.size) { writer in
            var offset = 0
            while offset < file.size {
                let bytes = try file.read(at: offset, count: min(file.size - offset, 1 << 18))
                guard !bytes.isEmpty else { throw Failure(.fileNotFound, "The file changed during the download.") }
                offset += bytes.count
                try await writer.write(ByteBuffer(bytes: bytes))
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers(name: name), body: body)
    }

    /// The file is saved and never shown, whatever it holds.
    private static func headers(name: String) -> HTTPFields {
        let plain = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "_" })
        return [
            .contentType: "application/octet-stream",
            .contentDisposition: "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(name.percentEncoded)",
            .contentSecurityPolicy: "sandbox; default-src 'none'",
        ]
    }
}
