import BalanceCore
import BalanceNet
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// The files of a workspace, asked by the endpoints that a server has.
struct FilesAPI: API {
    let workspace: Workspace
    private let responder: RouterResponder<AppContext>
    /// Whom the audit trail names.
    private let actor: String

    init(_ workspace: Workspace, as actor: Actor) async throws {
        self.workspace = workspace
        self.actor = actor.name
        responder = try await ServerBuilder(workspace: workspace, mode: .files).filesResponder()
    }

    func send(_ asked: APIRequest) async throws -> APIAnswer {
        guard let method = HTTPRequest.Method(asked.method) else {
            throw Failure(.invalidArgument, "invalid method '\(asked.method)'")
        }
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: asked.path)
        if let name = HTTPField.Name("X-BalanceOps-Actor") { head.headerFields[name] = actor }
        let body = try Self.body(asked.body, &head)
        let context = AppContext(logger: Logger(label: "balanceops") { _ in SwiftLogNoOpLogHandler() })
        do {
            let answer = try await responder.respond(to: Request(head: head, body: body), context: context)
            let collected = Collected(limit: asked.limit)
            try await answer.body.write(collected)
            return APIAnswer(status: answer.status.code, bytes: collected.bytes)
        } catch let failure as Failure {
            return APIAnswer(status: failure.code.row.status, bytes: [], thrown: failure)
        } catch let error as any HTTPResponseError {
            return APIAnswer(
                status: error.status.code,
                bytes: [],
                thrown: Failure(.notFound, "no answer at \(asked.path)")
            )
        } catch {
            return APIAnswer(status: 500, bytes: [], thrown: Failure.from(error))
        }
    }

    private static func body(_ body: APIRequest.Body, _ head: inout HTTPRequest) throws -> RequestBody {
        switch body {
        case .none: return RequestBody(buffer: ByteBuffer())
        case .json(let value):
            head.headerFields[.contentType] = "application/json"
            let bytes = value.bytes()
            head.headerFields[.contentLength] = String(bytes.count)
            return RequestBody(buffer: ByteBuffer(bytes: bytes))
        case .file(let path):
            let file = try FileChunks(path)
            head.headerFields[.contentLength] = String(file.size)
            return RequestBody(asyncSequence: file)
        }
    }
}

/// The bytes of an answer.
private struct Collected: ResponseBodyWriter {
    private let buffer = NIOLockedValueBox(ByteBuffer())
    let limit: Int

    var bytes: [UInt8] { buffer.withLockedValue { Array($0.readableBytesView) } }

    func write(_ next: ByteBuffer) async throws {
        let count = buffer.withLockedValue {
            $0.writeImmutableBuffer(next)
            return $0.readableBytes
        }
        if count > limit { throw Failure(.invalidArgument, "the answer is larger than \(limit >> 20) MiB") }
    }

    func finish(_ trailers: HTTPFields?) async throws {}
}
