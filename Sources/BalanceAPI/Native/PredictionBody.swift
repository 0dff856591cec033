import BalanceCore
import Foundation

/// The rows of a request for predictions: `features` for one row, `instances` for several; each a list of numbers in the
/// model's order, or an object by the features' names.
struct PredictionBody {
    private enum Rows {
        case one(JSONValue)
        case many([JSONValue])
    }

    private let rows: Rows

    /// Whether the request has a single row as a list of numbers, which is the original's form.
    let isOriginal: Bool

    /// The most rows of one request.
    static let maximumRows = 100_000

    /// - Throws: `Failure` with code `validation`.
    init(_ value: JSONValue) throws {
        if let features = value["features"] {
            rows = .one(features)
            isOriginal = features.members?.isEmpty ?? true
            return
        }
        isOriginal = value["instances"] == nil
        guard let instances = value["instances"]?.elements else {
            rows = .many([])
            if value["instances"] == nil { return }
            throw Self.failure(
                "list_type",
                [.string("instances")],
                "Input should be a valid list",
                value["instances"] ?? .null
            )
        }
        guard (1...Self.maximumRows).contains(instances.count) else {
            let message = "List should have 1 to \(Self.maximumRows) rows"
            throw Self.failure("too_long", [.string("instances")], message, .int(instances.count))
        }
        rows = .many(instances)
    }

    /// Whether the answer is one prediction.
    var isSingle: Bool {
        if case .one = rows { true } else { false }
    }

    /// The rows as numbers in the order of a model's features.
    ///
    /// - Throws: `Failure` with code `validation` or `featureSizeMismatch` that names the first wrong cell.
    func rows(for model: any Predictor) throws -> [[Double]] {
        switch rows {
        case .one(let row): return [try Self.row(row, [.string("features")], model)]
        case .many(let rows):
            return try rows.enumerated().map { index, row in
                try Self.row(row, [.string("instances"), .int(index)], model)
            }
        }
    }

    private static func row(_ row: JSONValue, _ place: [JSONValue], _ model: any Predictor) throws -> [Double] {
        if let members = row.members { return try named(members, row, place, model) }
        guard let elements = row.elements else {
            throw failure("list_type", place, "Input should be a list of numbers, or an object by names", row)
        }
        guard elements.count == model.featureCount else {
            throw Failure(
                .featureSizeMismatch,
                "Feature length mismatch.",
                hint: "Send \(model.featureCount) features in each row.",
                details: .object([
                    ("loc", .array([.string("body")] + place)), ("expected_n_features", .int(model.featureCount)),
                    ("got_n_features", .int(elements.count)),
                ])
            )
        }
        return try elements.enumerated().map { try number($0.element, place + [.int($0.offset)], model) }
    }

    private static func named(
        _ members: [(String, JSONValue)],
        _ row: JSONValue,
        _ place: [JSONValue],
        _ model: any Predictor
    ) throws -> [Double] {
        guard let names = model.featureNames else {
            let message = "This model does not know its features' names; send a list of \(model.featureCount) numbers"
            throw failure("list_type", place, message, .null)
        }
        if let unknown = members.first(where: { member in !names.contains { $0.utf8.elementsEqual(member.0.utf8) } }) {
            throw failure("extra_forbidden", place + [.string(unknown.0)], "The model has no such feature", unknown.1)
        }
        return try names.map { name in
            guard let value = row[name] else {
                if model.acceptsMissing { return .nan }
                throw failure("missing", place + [.string(name)], "Field required", .null)
            }
            return try number(value, place + [.string(name)], model)
        }
    }

    private static func number(_ value: JSONValue, _ place: [JSONValue], _ model: any Predictor) throws -> Double {
        switch value {
        case .null where model.acceptsMissing: return .nan
        case .int(let number): return Double(number)
        case .double(let number) where number.isFinite: return number
        case .bool(let flag): return flag ? 1 : 0
        default: throw failure("float_type", place, "Input should be a valid finite number", value)
        }
    }

    private static func failure(_ type: String, _ place: [JSONValue], _ message: String, _ input: JSONValue) -> Failure
    {
        .validation([
            ValidationIssue(type: type, location: [.string("body")] + place, message: message, input: input)
        ])
    }
}

/// What a model says of a row.
struct Prediction {
    var json: JSONValue

    /// - Throws: `Failure` with code `internalError` where the answer is not finite.
    init(_ model: any Predictor, _ row: [Double]) throws {
        let outputs = model.outputs(row)
        guard !outputs.isEmpty, outputs.allSatisfy(\.isFinite) else {
            throw Failure(
                .internalError,
                "Unexpected server error.",
                details: .object([("type", .string("PredictionNotFinite"))])
            )
        }
        let classes = model.classes
        guard !classes.isEmpty else {
            json = .object([("value", .double(outputs[0]))])
            return
        }
        var best = 0
        for index in outputs.indices where outputs[index] > outputs[best] { best = index }
        var members: [(String, JSONValue)] = [("label", .string(classes[best]))]
        if model.hasProbabilities {
            members.append(("probabilities", .object(zip(classes, outputs).map { ($0, .double($1)) })))
            if outputs.count == 2 { members.append(("p_win", .double(outputs[1]))) }
        }
        json = .object(members)
    }
}
