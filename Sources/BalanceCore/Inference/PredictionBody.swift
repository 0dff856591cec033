import Foundation

/// The rows of a request for predictions: `features` for one row, `instances` for several; each a list of numbers in the
/// model's order, or an object by the features' names.
package struct PredictionBody: Sendable {
    private enum Rows: Sendable {
        case one(JSONValue)
        case many([JSONValue])
    }

    private let rows: Rows

    /// Whether the request has a single row as a list of numbers, which is the original's form.
    package let isOriginal: Bool

    /// How many rows the request has.
    package var count: Int { if case .many(let rows) = rows { rows.count } else { 1 } }

    /// The most rows of one request.
    package static let maximumRows = 100_000

    /// - Throws: `Failure` with code `validation`.
    package init(_ value: JSONValue) throws {
        if let features = value["features"] {
            self.init(rows: .one(features), isOriginal: features.members?.isEmpty ?? true)
        } else if let instances = value["instances"] {
            guard let rows = instances.elements else {
                throw Self.failure("list_type", [.string("instances")], "Input should be a valid list", instances)
            }
            try self.init(rows: rows)
        } else {
            self.init(rows: .many([]), isOriginal: true)
        }
    }

    private init(rows: Rows, isOriginal: Bool) {
        self.rows = rows
        self.isOriginal = isOriginal
    }

    /// Several rows.
    ///
    /// - Throws: `Failure` with code `validation` where they are none or too many.
    package init(rows instances: [JSONValue]) throws {
        guard (1...Self.maximumRows).contains(instances.count) else {
            let message = "List should have 1 to \(Self.maximumRows) rows"
            throw Self.failure("too_long", [.string("instances")], message, .int(instances.count))
        }
        self.init(rows: .many(instances), isOriginal: false)
    }

    /// Whether the answer is one prediction.
    package var isSingle: Bool {
        if case .one = rows { true } else { false }
    }

    /// The rows in the order of a model's features.
    ///
    /// - Throws: `Failure` with code `validation` or `featureSizeMismatch` that names the first wrong cell.
    package func rows(for model: any Predictor) throws -> [[Cell]] {
        guard model.featureCount > 0 else {
            throw Failure(
                .invalidArgument,
                "this model takes tensors, not rows of features",
                hint: "send them to /v2/models/NAME/infer"
            )
        }
        switch rows {
        case .one(let row): return [try Self.row(row, [.string("features")], model)]
        case .many(let rows):
            return try rows.enumerated().map { index, row in
                try Self.row(row, [.string("instances"), .int(index)], model)
            }
        }
    }

    private static func row(_ row: JSONValue, _ place: [JSONValue], _ model: any Predictor) throws -> [Cell] {
        if let members = row.members { return try named(members, place, model) }
        guard let elements = row.elements else {
            throw failure("list_type", place, "Input should be a list of numbers or an object with feature names", row)
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
        return try elements.enumerated().map { try cell($1, $0, place + [.int($0)], model) }
    }

    private static func named(
        _ members: [(String, JSONValue)],
        _ place: [JSONValue],
        _ model: any Predictor
    ) throws -> [Cell] {
        guard let names = model.featureNames else {
            let message = "This model has no feature names; send a list of \(model.featureCount) numbers"
            throw failure("list_type", place, message, .null)
        }
        let known = Set(names.map(ByteText.init))
        if let unknown = members.first(where: { !known.contains(ByteText($0.0)) }) {
            throw failure("extra_forbidden", place + [.string(unknown.0)], "The model has no such feature", unknown.1)
        }
        let values = ByteText.dictionary(members)
        return try names.enumerated().map { index, name in
            guard let value = values[ByteText(name)] else {
                if model.acceptsMissing || model.ignoredFeatures.contains(index) { return .number(.nan) }
                throw failure("missing", place + [.string(name)], "Field required", .null)
            }
            return try cell(value, index, place + [.string(name)], model)
        }
    }

    /// One value, as the feature in its place takes it.
    static func cell(
        _ value: JSONValue,
        _ index: Int,
        _ place: [JSONValue],
        _ model: any Predictor
    ) throws -> Cell {
        let isText = model.textFeatures.contains(index)
        let isIgnored = model.ignoredFeatures.contains(index)
        switch value {
        case .null where model.acceptsMissing || isIgnored: return .number(.nan)
        case .int(let number) where !isText: return .number(Double(number))
        case .double(let number) where !isText && model.complaint(about: number) == nil: return .number(number)
        case .bool(let flag) where !isText: return .number(flag ? 1 : 0)
        case .string(let text) where isText || isIgnored: return .text(text)
        case .string(let text) where number(text) != nil: return .number(number(text) ?? .nan)
        default:
            throw isText
                ? failure("string_type", place, "Input should be a valid string", value)
                : failure("float_type", place, "Input should be a valid finite number", value)
        }
    }

    /// The number that a text holds in decimal digits, as the original reads `"1.5"`; nil for any other text.
    private static func number(_ text: String) -> Double? {
        let digits = text.trimmingCharacters(in: .whitespaces)
        // Swift also reads hexadecimal numbers and names of those that are not finite.
        guard digits.utf8.allSatisfy({ "+-.0123456789eE".utf8.contains($0) }) else { return nil }
        return Double(digits).flatMap { $0.isFinite ? $0 : nil }
    }

    private static func failure(_ type: String, _ place: [JSONValue], _ message: String, _ input: JSONValue) -> Failure
    {
        .validation([
            ValidationIssue(type: type, location: [.string("body")] + place, message: message, input: input)
        ])
    }
}

extension PredictionBody {
    /// What a model says of the rows.
    ///
    /// `evaluate` asks the model; nil asks it plainly.
    package func outputs(
        of model: any Predictor,
        _ evaluate: (([[Cell]]) throws -> [[Double]])? = nil
    ) throws -> [[Double]] {
        let rows = try rows(for: model)
        do {
            let outputs = try evaluate?(rows) ?? model.outputs(of: rows)
            guard outputs.count == rows.count else {
                throw Failure(.internalError, "the model returned \(outputs.count) of \(rows.count) rows")
            }
            for (index, output) in outputs.enumerated() where !output.allSatisfy(\.isFinite) {
                var refusal = RowRefusal(column: nil, reason: "the model's answer to this row is not a finite number")
                refusal.row = index
                throw refusal
            }
            return outputs
        } catch let refusal as RowRefusal {
            let row: [JSONValue] = isSingle ? ["features"] : ["instances", .int(refusal.row)]
            let column = refusal.column.map { index in
                [model.featureNames.map { JSONValue.string($0[index]) } ?? .int(index)]
            }
            throw Self.failure("value_error", row + (column ?? []), refusal.reason, .null)
        }
    }
}

/// What a model says of a row.
package struct Prediction {
    package var json: JSONValue

    /// - Throws: `Failure` with code `internalError` where the answer is not finite.
    package init(_ model: any Predictor, _ outputs: [Double]) throws {
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
        var members: [(String, JSONValue)] = [("label", model.label(model.choice(outputs)))]
        if model.hasProbabilities {
            members.append(("probabilities", .object(zip(classes, outputs).map { ($0, .double($1)) })))
            if classes.count == 2 { members.append(("p_win", .double(outputs[1]))) }
        }
        json = .object(members)
    }
}
