import BalanceCore
import BalanceNet
import Hummingbird

/// The fields of a form that a page sent.
struct PageForm: Sendable {
    private let fields: FormFields
    private let context: AppContext

    /// The most that a form may hold, in bytes: a policy and its frame, every byte escaped.
    static let maximumBody = 256 << 10

    init(_ request: Request, _ context: AppContext) async throws {
        self.context = context
        let type = request.headers[.contentType]?.split(separator: ";").first?.lowercased() ?? ""
        guard type == "application/x-www-form-urlencoded" else {
            throw Failure(.mediaTypeNotSupported, "Expected a form submission.", hint: "submit it from its page")
        }
        let buffer = try await request.bytes(upTo: Self.maximumBody)
        fields = FormFields(String(decoding: buffer.readableBytesView, as: UTF8.self))
    }

    subscript(_ name: String) -> String { fields[name] ?? "" }

    /// Every value of a name that may stand several times.
    func all(_ name: String) -> [String] { fields.pairs.filter { $0.name == name }.map(\.value) }

    func integer(_ name: String) -> Int? { Int(self[name]) }

    /// A move of what serves: the reader confirmed it, and the page said which generation it showed.
    func move() throws -> TransitionRequest {
        guard self["sure"] == "1", integer("generation") != nil else {
            throw Failure(.invalidParameter, "The form is not confirmed.", hint: "open its page again")
        }
        return try request()
    }

    /// Who asks and why, and what the reader saw.
    func request() throws -> TransitionRequest {
        let actor = try context.actor(saying: Self.plain(self["actor"]), otherwise: "")
        guard !actor.name.isEmpty, actor.name.utf8.count <= 200 else {
            throw Failure(.invalidParameter, "Missing name.", hint: "go back and enter your name")
        }
        let reason = Self.plain(self["reason"])
        guard !reason.isEmpty, reason.utf8.count <= 2000 else {
            throw Failure(.invalidParameter, "Missing reason.", hint: "go back and enter a reason")
        }
        return TransitionRequest(
            by: actor,
            reason: reason,
            expectedGeneration: integer("generation"),
            ifDecision: self["decision"].isEmpty ? nil : self["decision"]
        )
    }

    private static func plain(_ text: String) -> String {
        let scalars = text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
        return String(String.UnicodeScalarView(scalars)).trimmingPrefix { $0 == " " }.description
    }
}
