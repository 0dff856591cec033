import BalanceCore
import BalanceNet
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Synchronization

/// `/api/events`: tells a page that what it shows has changed, as server-sent events (HTML Standard, section 9.2).
///
/// An event carries no data of a run or a model: the page fetches itself again, by what its reader may see.
struct LiveEvents: Sendable {
    let sources: DashboardSources
    private let open = OpenStreams()

    init(sources: DashboardSources) { self.sources = sources }

    /// More pages than these are told to ask now and then instead.
    private static let maximumStreams = 200
    private static let interval = Duration.seconds(1)
    /// Ticks after which a line is sent that keeps proxies from closing the connection.
    private static let heartbeat = 15

    /// What a page shows, as far as it may change.
    private enum Topic {
        case run(RunID)
        case runs(experiment: Int?)
        case audit
    }

    /// The runs that a request names.
    @Sendable static func objects(_ request: Request, _ context: AppContext) -> [ObjectReference] {
        FormFields(request.uri.query ?? "")["run"].map { [.run($0)] } ?? [.any]
    }

    func answer(_ request: Request) async throws -> PageRenderer.PageResult {
        let fields = FormFields(request.uri.query ?? "")
        let topic: Topic
        if let run = fields["run"] {
            topic = .run(RunID(native: run))
        } else if fields["runs"] != nil {
            topic = .runs(experiment: fields["experiment"].flatMap { Int($0) })
        } else if fields["audit"] != nil {
            topic = .audit
        } else {
            throw Failure(.invalidParameter, "Missing topic.", hint: "send run=ID, runs=1 or audit=1")
        }
        // What does not exist is said before the stream begins.
        let known = try await state(of: topic)
        guard open.count < Self.maximumStreams else {
            throw Failure(.unavailable, "Too many live pages.", hint: "reload the page by hand")
        }
        let visibility = Visibility.current
        let body = ResponseBody { writer in
            // Counted here and not before: the body of an answer to HEAD is never asked for.
            open.begin()
            defer { open.end() }
            try await Visibility.$current.withValue(visibility) { try await send(topic, known, to: &writer) }
            try await writer.finish(nil)
        }
        let headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
        return .file(Response(status: .ok, headers: headers, body: body))
    }

    private func send(_ topic: Topic, _ first: String, to writer: inout any ResponseBodyWriter) async throws {
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        var known = first
        var ticks = 0
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            try await Task.sleep(for: Self.interval)
            ticks += 1
            let state = try await state(of: topic)
            if state != known {
                known = state
                try await writer.write(ByteBuffer(string: "id: \(state)\nevent: change\ndata: \(state)\n\n"))
            } else if ticks % Self.heartbeat == 0 {
                try await writer.write(ByteBuffer(string: ": \(ticks)\n\n"))
            }
        }
    }

    /// Another text for another state.
    private func state(of topic: Topic) async throws -> String {
        switch topic {
        case .run(let id):
            let run = try await sources.log.trackedRun(id)
            let metrics = run.metrics.map { "\($0.key)=\($0.value)@\($0.step)/\($0.timestamp.milliseconds)" }
            let tags = run.tags.map { "\($0.key)=\($0.value)" }
            let own = "\(run.name)|\(run.status.rawValue)|\(run.stage.rawValue)|\(run.params.count)|"
            return Self.short(own + (metrics + tags).joined(separator: "|"))
        case .runs(let experiment):
            let experiments = experiment.map { [$0] }
            // Metrics change where runs go on: those of all others are not read each second.
            let newest = RunSearch(experimentIDs: experiments, query: SearchQuery(limit: 50), isLight: true)
            let filter = try SearchFilter.parse("attributes.status = 'RUNNING'", dialect: .mlflow)
            let running = RunSearch(experimentIDs: experiments, query: SearchQuery(filter: filter, limit: 20))
            let rows = try await sources.log.search(newest).items.map {
                "\($0.id.stored)|\($0.name)|\($0.status.rawValue)"
            }
            let points = try await sources.log.search(running).items.map { run in
                run.id.stored + run.metrics.map { "\($0.step)@\($0.timestamp.milliseconds)" }.joined(separator: ",")
            }
            return Self.short((rows + points).joined(separator: "\n"))
        case .audit: return String(try await sources.audit.auditHead()?.sequence ?? 0)
        }
    }

    private static func short(_ text: String) -> String { String(ContentHash.of(Array(text.utf8)).prefix(16)) }
}

/// How many streams are open.
private final class OpenStreams: Sendable {
    private let open = Mutex(0)

    var count: Int { open.withLock { $0 } }

    func begin() { open.withLock { $0 += 1 } }

    func end() { open.withLock { $0 -= 1 } }
}
