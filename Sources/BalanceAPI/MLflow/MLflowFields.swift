import BalanceCore
import BalanceNet
import Hummingbird

/// The fields of one request, whichever way they came: a JSON body, or a query.
///
/// Names are snake_case; the camelCase twin counts as the same field, and both at once are refused, so that what was
/// checked is what is used.
struct MLflowFields {
    private let value: JSONValue
    /// Whether the body was something else than a JSON object.
    private(set) var isMalformed = false
    /// Who sends the request.
    var actor = Actor(name: "mlflow client")
    /// Refuses a caller that may not do something more to what the request names.
    var require: @Sendable (Permission) async throws -> Void = { _ in }
    /// Where this object stands in the request, as `metrics[3].`; empty for the request itself.
    private let prefix: String

    init(_ value: JSONValue, prefix: String = "") {
        self.value = value
        self.prefix = prefix
    }

    /// Reads a JSON body.
    ///
    /// One that is no JSON counts as an empty object: then the first required field is missing.
    static func body(_ request: Request) async throws -> MLflowFields {
        let type = request.headers[.contentType]?.split(separator: ";").first?.lowercased() ?? ""
        // What is to be deleted may be named by the path alone.
        if request.method == .delete, type.isEmpty { return MLflowFields(.object([])) }
        guard type.filter({ $0 != " " }) == "application/json" else {
            throw Failure(
                .invalidParameter,
                "Bad Request. Content-Type must be application/json.",
                hint: "send Content-Type: application/json"
            )
        }
        let buffer = try await request.bytes()
        return try json(Array(buffer.readableBytesView))
    }

    /// Reads the bytes of a JSON body.
    ///
    /// - Throws: `Failure` with code `invalidParameter` where a field stands twice.
    static func json(_ bytes: [UInt8]) throws -> MLflowFields {
        guard let value = try value(bytes) else {
            var fields = MLflowFields(.object([]))
            fields.isMalformed = !bytes.isEmpty
            return fields
        }
        guard value.members != nil else {
            throw Failure(.invalidParameter, "Bad Request. The body is not a JSON object.", hint: "send {…}")
        }
        return MLflowFields(value)
    }

    /// Refuses a field that is null, where what is left out would be taken for something that cannot be taken back.
    func requireNoNull() throws {
        guard let name = value.members?.first(where: { $0.1.isNull })?.0 else { return }
        throw Failure(
            .invalidParameter,
            "Invalid value null for parameter '\(name)'.",
            hint: "omit it, or send a value"
        )
    }

    private static func value(_ bytes: [UInt8]) throws -> JSONValue? {
        do {
            let value = try JSONValue(parsing: bytes, allowsNonFinite: true, refusesRepeatedNames: true)
            // Very old clients send a JSON text that holds JSON.
            guard let text = value.string else { return value }
            return try JSONValue(parsing: Array(text.utf8), refusesRepeatedNames: true)
        } catch  where error.isRepeatedName {
            throw Failure(.invalidParameter, "Bad Request. \(error.message).", hint: "send each field once")
        } catch {
            return nil
        }
    }

    /// Reads a query; a name that stands several times becomes a list.
    static func query(_ request: Request) -> MLflowFields {
        var members: [(String, JSONValue)] = []
        for (name, text) in FormFields(request.uri.query ?? "").pairs {
            let text = JSONValue.string(text)
            if let index = members.firstIndex(where: { $0.0 == name }) {
                members[index].1 = .array((members[index].1.elements ?? [members[index].1]) + [text])
            } else {
                members.append((name, text))
            }
        }
        return MLflowFields(.object(members))
    }

    /// The same fields without one.
    func removing(_ name: String) -> MLflowFields {
        let others = (value.members ?? []).filter { $0.0 != name && !Self.isCamelCase($0.0, of: name) }
        return MLflowFields(.object(others), prefix: prefix)
    }

    /// The same fields with one more, which holds whatever the request says of it.
    func setting(_ name: String, _ text: String) -> MLflowFields {
        MLflowFields(.object((removing(name).value.members ?? []) + [(name, .string(text))]), prefix: prefix)
    }

    /// Whether a field that is true or false is true; absent counts as `standard`.
    func flag(_ name: String, default standard: Bool = false) throws -> Bool {
        guard let value = try value(name) else { return standard }
        if case .bool(let flag) = value { return flag }
        if value.string == "true" || value.string == "false" { return value.string == "true" }
        throw invalid(name, value)
    }

    /// The value of a field; nil where it is absent or null.
    func value(_ name: String) throws -> JSONValue? {
        let snake = value[name]
        let camel = value.members?.last { Self.isCamelCase($0.0, of: name) }
        if snake != nil, let camel {
            throw Failure(.invalidParameter, "The fields '\(name)' and '\(camel.0)' are the same; send one of them.")
        }
        guard let found = snake ?? camel?.1, !found.isNull else { return nil }
        return found
    }

    /// A text that must be there and not be empty.
    func required(_ name: String) throws -> String {
        guard let text = try text(name), !text.isEmpty else { throw missing(name) }
        return text
    }

    /// A text, or nil.
    func text(_ name: String) throws -> String? {
        guard let value = try value(name) else { return nil }
        guard let text = value.string else { throw invalid(name, value) }
        try Self.check(text, place(name))
        return text
    }

    /// A 64-bit integer, as a number or as its digits; nil where it is absent.
    func integer(_ name: String) throws -> Int? {
        guard let value = try value(name) else { return nil }
        if let number = value.integer { return number }
        if let number = value.number, let whole = Int(exactly: number) { return whole }
        if let text = value.string, let whole = Int(text) { return whole }
        throw invalid(name, value)
    }

    /// A number, its digits, or `NaN`, `Infinity`, `-Infinity`; nil where it is absent.
    func double(_ name: String) throws -> Double? {
        guard let value = try value(name) else { return nil }
        if let number = value.anyNumber { return number }
        if let text = value.string, let number = Double(text), !text.lowercased().contains("x") { return number }
        throw invalid(name, value)
    }

    /// The elements of a list; a single value of a query is a list of one.
    func list(_ name: String) throws -> [JSONValue] {
        guard let value = try value(name) else { return [] }
        if let elements = value.elements { return elements }
        throw invalid(name, value)
    }

    /// The texts of a list.
    func texts(_ name: String) throws -> [String] {
        if let value = try value(name), value.string != nil { return try [required(name)] }
        return try list(name).map { element in
            guard let text = element.string ?? element.integer.map(String.init) else { throw invalid(name, element) }
            try Self.check(text, place(name))
            return text
        }
    }

    /// The objects of a list, each with its place for messages.
    func objects(_ name: String) throws -> [MLflowFields] {
        try list(name).enumerated().map { index, element in
            guard element.members != nil else { throw invalid(name, element) }
            return MLflowFields(element, prefix: "\(prefix)\(name)[\(index)].")
        }
    }

    /// The database ends a text at its first NUL, so that none may have one.
    private static func check(_ text: String, _ place: String) throws {
        guard !text.utf8.contains(0) else {
            throw Failure(
                .invalidParameter,
                "Invalid value for parameter '\(place)' supplied: it contains a NUL character"
            )
        }
    }

    func missing(_ name: String) -> Failure {
        Failure(.invalidParameter, "Missing value for required parameter '\(prefix)\(name)'.")
    }

    /// A number that must be from 1 to a maximum.
    func outOfRange(_ name: String, _ value: Int, _ maximum: Int) -> Failure {
        var failure = invalid(name, .int(value))
        failure.message += value < 1 ? ". It must be a positive integer" : ". It must be at most \(maximum)"
        return failure
    }

    func invalid(_ name: String, _ value: JSONValue) -> Failure {
        let text = String(value.text().prefix(200))
        return Failure(.invalidParameter, "Invalid value \(text) for parameter '\(prefix)\(name)' supplied")
    }

    /// The name of a field with its place, for messages.
    func place(_ name: String) -> String { prefix + name }

    /// Whether a text is the camelCase twin of a name of several words.
    private static func isCamelCase(_ text: String, of name: String) -> Bool {
        guard text.utf8.count < name.utf8.count else { return false }
        var rest = text.utf8.makeIterator()
        var isFirst = false
        for byte in name.utf8 {
            if byte == UInt8(ascii: "_") {
                isFirst = true
                continue
            }
            let isLetter = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
            guard rest.next() == (isFirst && isLetter ? byte - 0x20 : byte) else { return false }
            isFirst = false
        }
        return rest.next() == nil
    }
}
