import BalanceCore
import CBalanceAssets
import HTTPTypes
import Hummingbird
import NIOCore

/// The files that the pages need, carried inside the binary.
enum Assets {
    /// The text of a file; empty where the binary carries no such file.
    static func text(_ path: String) -> String {
        bytes(of: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The bytes of a file, or nil where the binary carries no such file.
    static func bytes(of path: String) -> UnsafeBufferPointer<UInt8>? {
        var next = balance_assets()
        while let asset = next?.pointee, let name = asset.path {
            if String(cString: name) == path { return UnsafeBufferPointer(start: asset.bytes, count: asset.count) }
            next = next?.advanced(by: 1)
        }
        return nil
    }

    /// Answers with a style sheet, script or picture; a client that has this version already gets a 304.
    static func response(for name: String, _ request: Request) throws -> Response {
        let types = ["css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"]
        let ending = name.split(separator: ".").last.map(String.init) ?? ""
        guard let type = types[ending], let bytes = bytes(of: name) else {
            throw Failure(.notFound, "Not Found", hint: "the pages link to the existing files")
        }
        let tag = "\"\(Build.version)-\(bytes.count)-\(fingerprint(bytes))\""
        let headers: HTTPFields = [.contentType: type, .eTag: tag, .cacheControl: "no-cache"]
        if request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: headers) }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// Tells two builds' files apart.
    private static func fingerprint(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        String(FNV1a.hash(bytes), radix: 16)
    }
}
