import BalanceSystem
import AsyncHTTPClient
import BalanceCore
import BalanceNet
import Crypto
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Sends what waits in the outbox: signed, in the order of each model, again until it arrives or a day has passed.
///
/// The address is looked up once, checked, and then connected to as it was checked; no redirect is followed, and nothing
/// of an answer is kept but its status.
final class WebhookSender: Service {
    private let store: any WebhookStore
    private let rules: OutboundRules
    private let logger: Logger
    /// What is being sent: one message of each webhook and model at a time.
    private let busy = Mutex<Set<String>>([])

    private static let longestTry: TimeAmount = .seconds(10)
    private static let maximumAge = 86_400_000

    init(store: any WebhookStore, rules: OutboundRules, logger: Logger) {
        self.store = store
        self.rules = rules
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    let due = (try? await self.store.dueDeliveries(at: .now(), limit: 64)) ?? []
                    for delivery in due where self.begin(delivery) {
                        group.addTask { await self.send(delivery) }
                    }
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
        }
    }

    private func begin(_ delivery: WebhookDelivery) -> Bool {
        busy.withLock { $0.count < 64 && $0.insert("\(delivery.webhook.id)/\(delivery.subject)").inserted }
    }

    private func send(_ delivery: WebhookDelivery) async {
        defer { busy.withLock { _ = $0.remove("\(delivery.webhook.id)/\(delivery.subject)") } }
        // Longer than the longest try: where this process ends in it, another one goes on.
        let lease = Timestamp(milliseconds: Timestamp.now().milliseconds + 20_000)
        guard (try? await store.claim(delivery, until: lease)) == true else { return }
        let outcome = await post(delivery.body, id: delivery.id, to: delivery.webhook)
        let now = Timestamp.now()
        var next: Timestamp?
        if let error = outcome.error {
            logger.warning("webhook \(delivery.webhook.id): \(error)")
            let isOver = now.milliseconds - delivery.createdAt.milliseconds > Self.maximumAge || outcome.isFinal
            if !isOver { next = Timestamp(milliseconds: now.milliseconds + Self.pause(after: delivery.attempts)) }
        }
        try? await store.record(delivery, error: outcome.error, next: next, at: now)
    }

    /// Twice as long each time, up to five minutes, and never quite the same for all.
    private static func pause(after attempts: Int) -> Int {
        let seconds = min(300.0, Double(1 << min(attempts, 9)))
        return Int(seconds * Double.random(in: 800...1200))
    }

    /// How a try ended.
    struct Outcome: Sendable {
        /// In words that tell nothing of what was answered; nil where it arrived.
        var error: String?
        var status: Int?
        /// Whether no other try makes sense.
        var isFinal = false
    }

    /// Sends one message now.
    func post(_ body: String, id: String, to webhook: Webhook) async -> Outcome {
        do {
            let target = try rules.target(webhook.url)
            let address = try await rules.address(of: target)
            return try await post(body, id: id, to: webhook, target, address)
        } catch let failure as Failure {
            return Outcome(error: failure.code == .urlNotAllowed ? "the address is not allowed" : failure.message)
        } catch let error as HTTPClientError
            where error == .connectTimeout || error == .deadlineExceeded || error == .readTimeout
        {
            return Outcome(error: "the request timed out")
        } catch {
            return Outcome(error: "connection failed")
        }
    }

    private func post(
        _ body: String,
        id: String,
        to webhook: Webhook,
        _ target: OutboundRules.Target,
        _ address: NetworkAddress
    ) async throws -> Outcome {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: Self.longestTry)
        )
        configuration.dnsOverride = [target.host: address.text]
        // One try is one connection; the outbox tries again.
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
            configuration: configuration
        )
        do {
            let response = try await client.execute(request(body, id: id, webhook, target), timeout: Self.longestTry)
            try? await client.shutdown()
            return Self.outcome(Int(response.status.code))
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private func request(
        _ body: String,
        id: String,
        _ webhook: Webhook,
        _ target: OutboundRules.Target
    ) -> HTTPClientRequest {
        let time = String(Timestamp.now().milliseconds / 1000)
        let key = SymmetricKey(data: Data(webhook.secret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(id).\(time).\(body)".utf8), using: key)
        var request = HTTPClientRequest(url: target.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "User-Agent", value: "balanceops/\(Build.version)")
        request.headers.add(name: "X-BalanceOps-Delivery", value: id)
        request.headers.add(name: "X-BalanceOps-Timestamp", value: time)
        request.headers.add(name: "X-BalanceOps-Signature", value: "v1,\(Data(code).base64EncodedString())")
        request.body = .bytes(ByteBuffer(string: body))
        return request
    }

    private static func outcome(_ status: Int) -> Outcome {
        switch status {
        case 200..<300: Outcome(status: status)
        case 300..<400:
            // A proxy may send one for a while: a try later may arrive.
            Outcome(error: "the endpoint answered with a redirect; redirects are not followed", status: status)
        case 410: Outcome(error: "the endpoint is gone (HTTP 410)", status: status, isFinal: true)
        default: Outcome(error: "the endpoint answered HTTP \(status / 100)xx", status: status)
        }
    }

    /// Sends one message that says nothing, and says how that ended.
    func probe(_ webhook: Webhook) async -> JSONValue {
        let start = ContinuousClock.now
        let event = AuditEvent(
            sequence: 0,
            at: .now(),
            actor: "balanceops",
            stored: "test",
            subject: "test",
            reason: "a test of this webhook",
            decisionJSON: nil
        )
        let outcome = await post(webhook.body(of: event).text(), id: UUID().uuidString.lowercased(), to: webhook)
        let elapsed = ContinuousClock.now - start
        let milliseconds = Int(
            elapsed.components.seconds * 1000 + elapsed.components.attoseconds / 1_000_000_000_000_000
        )
        return .object([
            ("delivered", .bool(outcome.error == nil)),
            ("status_class", .optional(outcome.status.map { "\($0 / 100)xx" })), ("milliseconds", .int(milliseconds)),
            ("error", .optional(outcome.error)),
        ])
    }
}
