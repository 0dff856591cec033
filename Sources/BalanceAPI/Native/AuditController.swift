import BalanceService
import BalanceCore
import BalanceNet
import Foundation
import Hummingbird

/// The audit trail: looked at, checked, made again.
struct AuditController: Sendable {
    let sources: GovernanceSources

    var endpoints: [Endpoint] {
        [
            Endpoint(Self.list, .read, on: .these(Self.subject)) { request, _ in .json(try await list(request)) },
            Endpoint(
                .init("GET", "/audit/head", "The newest entry's hash, to store elsewhere.", answer: "AuditHead"),
                .read
            ) { _, _ in .json(try await head()) },
            Endpoint(
                .init("GET", "/audit/verify", "Verifies the audit trail.", answer: "AuditReport"),
                .read
            ) { _, _ in .json(try await verify(keys: [], heads: [])) },
            Endpoint(
                .init(
                    "POST",
                    "/audit/verify",
                    "Verifies the audit trail, also by heads that were stored elsewhere.",
                    body: "AuditVerifyRequest",
                    answer: "AuditReport",
                    failures: [.invalidParameter]
                ),
                .read
            ) { request, _ in .json(try await verify(request)) },
            Endpoint(
                .governed(
                    "GET",
                    "/audit/{seq}",
                    "One entry, with the decision and its facts.",
                    answer: "AuditLine"
                ),
                .read
            ) { .json(try await event($1.text("seq")).json) },
            Endpoint(
                .governed("GET", "/audit/{seq}/replay", "Replays a recorded decision.", answer: "AuditReplay"),
                .read
            ) { .json(try await AuditReplay(event($1.text("seq")), sources.governance).json) },
        ]
    }

    /// The lines of one model may be seen by whoever sees the model.
    @Sendable private static func subject(_ request: Request, _ context: AppContext) -> [ObjectReference] {
        FormFields(request.uri.query ?? "")["subject"].map { [.model($0)] } ?? [.server]
    }

    private static let list = RouteDescription(
        "GET",
        "/audit",
        "Entries of the audit trail, newest first; with `after`, those after that number, oldest first.",
        parameters: [
            .init("subject", in: .query, [("type", "string")]),
            .init("before", in: .query, [("type", "integer"), ("minimum", .int(1))]),
            .init("after", in: .query, [("type", "integer"), ("minimum", .int(0))]),
            .init(
                "limit",
                in: .query,
                [("type", "integer"), ("minimum", .int(1)), ("maximum", .int(1000)), ("default", .int(100))]
            ),
        ],
        answer: "AuditList",
        failures: [.validation, .invalidParameter]
    )

    private func list(_ request: Request) async throws -> JSONValue {
        var reader = QueryReader(request)
        let limit = reader.integer("limit", default: 100, 1...1000)
        let before = reader.text("before") == nil ? nil : reader.integer("before", default: 1, 1...Int.max)
        let after = reader.text("after") == nil ? nil : reader.integer("after", default: 0, 0...Int.max)
        try reader.check()
        if after != nil, before != nil || reader.text("subject") != nil {
            throw Failure(.invalidParameter, "'after' goes with 'limit' alone", hint: "leave subject and before out")
        }
        let events: [AuditEvent]
        if let after {
            events = try await sources.audit.auditLines(after: after, limit: limit)
        } else {
            events = try await sources.audit.auditEvents(subject: reader.text("subject"), before: before, limit: limit)
        }
        return .object([("items", .array(events.map(\.json))), ("count", .int(events.count))])
    }

    private func head() async throws -> JSONValue {
        let key = Data(sources.publicKey).base64EncodedString()
        let head =
            try await sources.audit.auditHead()?.json.members ?? [
                ("seq", .int(0)), ("hash", .string(AuditEvent.origin)),
            ]
        return .object(head + [("public_key", .string(key)), ("key", .string(AuditKeyID.of(sources.publicKey)))])
    }

    private func verify(_ request: Request) async throws -> JSONValue {
        let fields = try await MLflowFields.body(request)
        if fields.isMalformed { throw Failure(.invalidParameter, "The body must be a JSON object.", hint: "send {}") }
        let heads = try fields.list("heads").map { head in
            guard let head = AuditHead(head) else {
                throw Failure(.invalidParameter, "invalid head", hint: "send what GET /audit/head answers")
            }
            return head
        }
        let keys = try fields.texts("public_keys").map { text in
            guard let key = Data(base64Encoded: text), key.count == 32 else {
                throw Failure(.invalidParameter, "invalid public key", hint: "send the 32 bytes in base64")
            }
            return [UInt8](key)
        }
        return try await verify(keys: keys, heads: heads)
    }

    private func verify(keys: [[UInt8]], heads: [AuditHead]) async throws -> JSONValue {
        try await sources.audit.verification(
            keys: [sources.publicKey] + keys,
            heads: heads + [sources.rememberedHead()].compactMap { $0 },
            governance: sources.governance
        ).json
    }

    private func event(_ text: String) async throws -> AuditEvent {
        guard let sequence = Int(text), let event = try await sources.audit.auditEvent(sequence) else {
            throw Failure(
                .resourceNotFound,
                "the audit trail has no entry \(text.prefix(50))",
                hint: "GET /audit lists the entries"
            )
        }
        return event
    }
}
