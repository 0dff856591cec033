package import BalanceCore
import BalanceNet
import Hummingbird

/// What the pages may ask a model that this server executes.
package struct ModelTrial: Sendable {
    /// A feature of a model: its name, and whether it takes texts.
    package struct Feature: Sendable {
        package var name: String
        package var isText: Bool

        package init(name: String, isText: Bool) {
            self.name = name
            self.isText = isText
        }
    }

    /// The features of the current version of a model, in their order.
    package var features: @Sendable (_ model: String) async throws -> [Feature]
    /// The answer to a body as `POST /models/{name}/predict` takes it.
    package var predict: @Sendable (_ model: String, _ body: JSONValue) async throws -> JSONValue

    package init(
        features: @escaping @Sendable (_ model: String) async throws -> [Feature],
        predict: @escaping @Sendable (_ model: String, _ body: JSONValue) async throws -> JSONValue
    ) {
        self.features = features
        self.predict = predict
    }
}

/// `/models/{name}/try`: sends a row to the current version, and shows the same request for programs.
struct TryPage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    /// Models with more features get a field of JSON alone.
    private static let maximumFields = 80

    struct Field {
        var id: String
        var name: String
        var value: String
        var isText: Bool
    }

    func show(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        try await page(request, context, form: nil)
    }

    func send(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        try await page(request, context, form: PageForm(request, context))
    }

    private func page(
        _ request: Request,
        _ context: AppContext,
        form: PageForm?
    ) async throws -> PageRenderer.PageResult {
        let texts = Preferences(request).language.texts
        let name = try context.text("name")
        guard let trial = sources.trial else {
            throw Failure(.notImplemented, "This server shows pages only.", hint: "open the pages of balanceops serve")
        }
        _ = try await sources.models.model(name)
        let features = try await trial.features(name)
        let fields = features.prefix(Self.maximumFields).enumerated().map { index, feature in
            Field(
                id: "f\(index)",
                name: feature.name,
                value: form?["f\(index)"] ?? (feature.isText ? "" : "0"),
                isText: feature.isText
            )
        }
        let isWide = features.count > Self.maximumFields
        let body = try Self.body(fields, form, isWide: isWide)
        var content: [String: Any] = [
            "name": name, "link": name.percentEncoded, "fields": isWide ? [] : fields, "is_wide": isWide,
            "body": body.text(), "feature_count": features.count,
        ]
        if form != nil {
            do {
                let answer = try await trial.predict(name, body)
                content["answer"] = answer.text(pretty: true)
                content["label"] = answer["prediction"]?["label"].map { $0.string ?? $0.text() } ?? ""
                content["answered_version"] = answer["version"]?.integer.map(String.init) ?? ""
            } catch let failure as Failure {
                let first = failure.details?.elements?.first
                let place = first?["loc"]?.elements?.last?.integer.flatMap {
                    features.indices.contains($0) ? features[$0].name : nil
                }
                let reason = first?["msg"]?.string.map { " \(place.map { "\($0): " } ?? "")\($0)." } ?? ""
                content["problem"] = failure.message + reason + (failure.hint.map { " (\($0))" } ?? "")
            }
        }
        let origin = request.head.authority.map { "http://\($0)" } ?? "http://127.0.0.1:8000"
        let path = "\(origin)\(renderer.prefix)/models/\(name.percentEncoded)/predict"
        content["curl"] =
            "curl -s \(path) -H 'Content-Type: application/json' -d '\(body.text().replacing("'", with: "'\\''"))'"
        content["python"] = "import requests\n\nprint(requests.post(\"\(path)\", json=\(body.text())).json())"
        return .page(.init(template: "try", title: "\(texts["try_it"] ?? "") · \(name)", content: content))
    }

    private static func body(_ fields: [Field], _ form: PageForm?, isWide: Bool) throws -> JSONValue {
        if isWide {
            guard let text = form?["body"], !text.isEmpty else { return .object([("features", .array([]))]) }
            do {
                return try JSONValue(parsing: Array(text.utf8))
            } catch {
                throw Failure(.invalidParameter, "The body is not valid JSON.", hint: "go back and correct it")
            }
        }
        let values = fields.map { field -> JSONValue in
            if field.isText { return .string(field.value) }
            return field.value.isEmpty ? .null : Double(field.value).map(JSONValue.double) ?? .string(field.value)
        }
        return .object([("features", .array(values))])
    }
}
