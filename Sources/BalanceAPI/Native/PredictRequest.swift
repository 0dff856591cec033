import BalanceCore
import Foundation

/// The body of `POST /predict`, checked.
struct PredictRequest {
    var features: [Double]

    /// - Throws: `Failure` with code `validation` that names every wrong element.
    init(_ value: JSONValue) throws {
        let location: [JSONValue] = [.string("body"), .string("features")]
        guard value.members != nil else {
            throw Self.failure(
                "model_attributes_type",
                [.string("body")],
                "Input should be a valid dictionary or object to extract fields from",
                value
            )
        }
        guard let given = value["features"] else {
            throw Self.failure("missing", location, "Field required", value)
        }
        guard let elements = given.elements else {
            throw Self.failure("list_type", location, "Input should be a valid list", given)
        }
        var issues: [ValidationIssue] = []
        features = elements.enumerated().map { index, element in
            switch Self.number(element) {
            case .success(let number): return number
            case .failure(let wrong):
                // A long list of wrong cells tells no more than its beginning.
                if issues.count < 20 {
                    issues.append(
                        ValidationIssue(
                            type: wrong.type,
                            location: location + [.int(index)],
                            message: wrong.message,
                            input: element
                        )
                    )
                }
                return 0
            }
        }
        if !issues.isEmpty { throw Failure.validation(issues) }
    }

    private struct Wrong: Error {
        var type: String
        var message: String
    }

    /// The JSON of a body.
    static func parse(_ body: [UInt8], _ contentType: String?) throws -> JSONValue {
        let media = contentType?.split(separator: ";").first.map {
            $0.trimmingCharacters(in: .whitespaces).lowercased()
        }
        if let media, media != "application/json", !media.hasSuffix("+json") {
            throw failure(
                "model_attributes_type",
                [.string("body")],
                "Input should be a valid dictionary or object to extract fields from",
                .null,
                hint: "Send Content-Type: application/json."
            )
        }
        if body.isEmpty { throw failure("missing", [.string("body")], "Field required", .null) }
        do {
            return try JSONValue(parsing: body, refusesRepeatedNames: true)
        } catch {
            throw failure(
                "json_invalid",
                [.string("body"), .int(error.offset)],
                "JSON decode error: \(error.message)",
                .object([])
            )
        }
    }

    /// The number of an element; like the original it also takes a boolean or a number in quotes, but nothing infinite.
    private static func number(_ element: JSONValue) -> Result<Double, Wrong> {
        let number: Double
        switch element {
        case .int(let value): number = Double(value)
        case .double(let value): number = value
        case .bool(let flag): number = flag ? 1 : 0
        case .string(let text):
            let trimmed = text.trimmingCharacters(in: .whitespaces)
            guard !trimmed.lowercased().contains("x"), let value = Double(trimmed) else {
                let message = "Input should be a valid number, unable to parse string as a number"
                return .failure(Wrong(type: "float_parsing", message: message))
            }
            number = value
        default: return .failure(Wrong(type: "float_type", message: "Input should be a valid number"))
        }
        guard number.isFinite else {
            return .failure(Wrong(type: "finite_number", message: "Input should be a finite number"))
        }
        return .success(number)
    }

    private static func failure(
        _ type: String,
        _ location: [JSONValue],
        _ message: String,
        _ input: JSONValue,
        hint: String? = nil
    ) -> Failure {
        .validation([ValidationIssue(type: type, location: location, message: message, input: input)], hint: hint)
    }
}
