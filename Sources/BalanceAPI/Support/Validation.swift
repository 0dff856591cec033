import BalanceNet
import BalanceCore
import Hummingbird

/// Reads the query of a request and collects what is wrong with it.
struct QueryReader {
    private let request: Request
    private(set) var issues: [ValidationIssue] = []

    init(_ request: Request) { self.request = request }

    /// An integer within bounds, or the default where the parameter is absent.
    mutating func integer(_ name: String, default value: Int, _ bounds: ClosedRange<Int>) -> Int {
        guard let text = text(name) else { return value }
        guard let number = Int(text.trimmingPrefix("+")) else {
            let isNumber = !text.isEmpty && text.drop { $0 == "-" }.allSatisfy(\.isNumber)
            report(
                isNumber ? "int_parsing_size" : "int_parsing",
                name,
                text,
                isNumber
                    ? "Unable to parse input string as an integer, exceeded maximum size"
                    : "Input should be a valid integer, unable to parse string as an integer"
            )
            return value
        }
        if number < bounds.lowerBound {
            report(
                "greater_than_equal",
                name,
                text,
                "Input should be greater than or equal to \(bounds.lowerBound)"
            )
        } else if number > bounds.upperBound {
            report("less_than_equal", name, text, "Input should be less than or equal to \(bounds.upperBound)")
        }
        return number
    }

    /// A boolean in any of the usual words, or the default where the parameter is absent.
    mutating func boolean(_ name: String, default value: Bool) -> Bool {
        guard let text = text(name) else { return value }
        switch text.lowercased() {
        case "true", "1", "yes", "y", "on", "t": return true
        case "false", "0", "no", "n", "off", "f": return false
        default:
            report("bool_parsing", name, text, "Input should be a valid boolean, unable to interpret input")
            return value
        }
    }

    /// A filter in the extended form, or nil.
    func filter(_ name: String) throws -> SearchFilter? {
        let text = text(name) ?? ""
        do {
            return try SearchFilter.parse(text, dialect: .extended)
        } catch {
            throw error.failure(in: text)
        }
    }

    /// Throws what was found.
    func check() throws {
        if !issues.isEmpty { throw Failure.validation(issues) }
    }

    func text(_ name: String) -> String? {
        FormFields(request.uri.query ?? "")[name]
    }

    private mutating func report(_ type: String, _ name: String, _ input: String, _ message: String) {
        let location: [JSONValue] = [.string("query"), .string(name)]
        issues.append(ValidationIssue(type: type, location: location, message: message, input: .string(input)))
    }
}
