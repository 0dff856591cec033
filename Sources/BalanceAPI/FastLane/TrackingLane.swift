package import BalanceNet
package import BalanceCore
import HTTPTypes
import Hummingbird
package import Logging

/// The routes that a training waits for, answered without the normal pipeline: `runs/log-metric`, `log-parameter`, `set-tag`,
/// `log-batch`, `create` and `get`.
///
/// It reads a request with the normal routes' functions. A request with a fault goes on to the normal pipeline, which finds the
/// fault again and says so; nothing of it was written. Where the store itself fails, trying again would only take longer.
package struct TrackingLane: Sendable {
    /// An answer; no status is 200.
    struct Answer: Sendable {
        var status: HTTPResponse.Status?
        var body: [UInt8]
    }

    /// Is told the answer, or nil where the normal pipeline is to answer.
    typealias Done = @Sendable (Answer?) -> Void

    private let log: any CallbackRunLog
    private let hosts: AllowedHosts
    private let logger: Logger

    package init(log: any CallbackRunLog, hosts: AllowedHosts, logger: Logger) {
        self.log = log
        self.hosts = hosts
        self.logger = logger
    }

    /// The bytes of a body that is read on the event loop, where every other connection waits for it.
    private static let promptBody = 8 << 10

    private static let posts: [(path: StaticString, call: Call)] = [
        ("/api/2.0/mlflow/runs/log-metric", .log(.metric)), ("/api/2.0/mlflow/runs/log-batch", .log(.batch)),
        ("/api/2.0/mlflow/runs/log-parameter", .log(.param)), ("/api/2.0/mlflow/runs/set-tag", .log(.tag)),
        ("/api/2.0/mlflow/runs/create", .create),
    ]

    private enum Call {
        case log(TrackingController.LogKind)
        case create
    }

    /// Begins to answer a request; false where it is none of these, and `done` is never called.
    func begin(
        _ request: WireRequest,
        _ bytes: UnsafeRawBufferPointer,
        _ principal: Principal,
        done: @escaping Done
    ) -> Bool {
        guard request.isPlain, hosts.allow(bytes, request.host) else { return false }
        let path = UnsafeRawBufferPointer(rebasing: bytes[request.path])
        // Who may do it in some places only goes through the normal routes, which find out where a run belongs.
        if request.isGet { return principal.everywhere.contains(.read) && get(path, done) }
        guard principal.everywhere.contains(.write) else { return false }
        guard request.isPost, request.hasContentType, let call = Self.posts.first(where: { path.holds($0.path) })?.call
        else { return false }
        let body = Array(bytes[request.body])
        let account = principal.isChecked ? principal.id : nil
        if body.count <= Self.promptBody {
            run(call, body, account, done)
        } else {
            Task { run(call, body, account, done) }
        }
        return true
    }

    private func run(_ call: Call, _ body: [UInt8], _ account: String?, _ done: @escaping Done) {
        do {
            var fields = try MLflowFields.json(body)
            fields.actor.accountID = account
            switch call {
            case .log(let kind):
                let (id, batch) = try TrackingController.batch(kind, fields)
                log.log(batch, to: id) { done(answer($0) { Self.empty }) }
            case .create:
                log.createRun(try TrackingController.start(fields)) { result in
                    done(answer(result) { TrackingController.created($0).bytes() })
                }
            }
        } catch {
            done(nil)
        }
    }

    /// The answer to what came of a call, or nil where the request was at fault.
    private func answer<Value>(_ result: Result<Value, any Error>, _ body: (Value) -> [UInt8]) -> Answer? {
        switch result {
        case .success(let value): return Answer(body: body(value))
        case .failure(let error):
            let failure = Failure.from(error)
            guard failure.code.row.status >= 500 else { return nil }
            FailureMiddleware.log(failure, to: logger)
            return Answer(
                status: .init(code: failure.code.row.status),
                body: Response.mlflowBody(failure).bytes()
            )
        }
    }

    private static let empty = JSONValue.object([]).bytes()

    private static let getPath: StaticString = "/api/2.0/mlflow/runs/get?run_id="

    /// Only the one form `?run_id=` with 32 hex digits behind it, which nothing can be escaped in.
    private func get(_ path: UnsafeRawBufferPointer, _ done: @escaping Done) -> Bool {
        let start = Self.getPath.utf8CodeUnitCount
        guard path.count == start + 32, UnsafeRawBufferPointer(rebasing: path[..<start]).holds(Self.getPath) else {
            return false
        }
        let digits = path[start...]
        guard digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 }) else { return false }
        log.trackedRun(RunID(stored: String(decoding: digits, as: UTF8.self))) { result in
            done(answer(result) { TrackingController.got($0).bytes() })
        }
        return true
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these are the bytes of a text.
    func holds(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount
            && elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
