import BalanceCore
import Testing

struct SearchFilterTests {
    /// A filter with its structure in brackets.
    private func shape(_ filter: SearchFilter) -> String {
        switch filter {
        case .and(let parts): "(" + parts.map(shape).joined(separator: " & ") + ")"
        case .or(let parts): "(" + parts.map(shape).joined(separator: " | ") + ")"
        case .not(let part): "!" + shape(part)
        case .comparison(let comparison):
            "[\(comparison.identifier.entity):\(comparison.identifier.key) \(comparison.comparator.rawValue) \(text(comparison.value))]"
        }
    }

    private func text(_ value: SearchFilter.Value) -> String {
        switch value {
        case .none: "-"
        case .text(let text): "'\(text)'"
        case .number(let number): "\(number)"
        case .list(let texts): texts.joined(separator: "+")
        }
    }

    @Test(arguments: [
        ("metrics.acc > 0.5", "[metrics:acc > 0.5]"),
        ("metrics.`val/acc`>=-.5e-1", "[metrics:val/acc >= -0.05]"),
        (
            "params.\"a b\" = 'x' and tags.mlflow.parentRunId != \"it's\"",
            "([params:a b = 'x'] & [tags:mlflow.parentRunId != 'it's'])"
        ),
        ("status='FINISHED'AND run_name like '%a'", "([:status = 'FINISHED'] & [:run_name LIKE '%a'])"),
        ("attributes.run_id IN ('a','b')", "[attributes:run_id IN a+b]"),
        ("run_id not in ('a')", "[:run_id NOT IN a]"),
        ("params.x is null AND tags.y IS NOT NULL", "([params:x IS NULL -] & [tags:y IS NOT NULL -])"),
        ("params.метрика = '精度'", "[params:метрика = '精度']"),
        ("metrics.m\n\t=\n1", "[metrics:m = 1.0]"),
    ])
    func `MLflow's form is read`(text: String, expected: String) throws {
        #expect(try SearchFilter.parse(text, dialect: .mlflow).map(shape) == expected)
    }

    @Test(arguments: [
        ("a = 1 OR b = 2 AND c = 3", "([:a = 1.0] | ([:b = 2.0] & [:c = 3.0]))"),
        ("NOT (a = 1 OR b = 2)", "!([:a = 1.0] | [:b = 2.0])"),
        ("((a = 1))", "[:a = 1.0]"),
    ])
    func `the extended form knows OR, NOT and parentheses`(text: String, expected: String) throws {
        #expect(try SearchFilter.parse(text, dialect: .extended).map(shape) == expected)
        #expect(throws: FilterError.self) { try SearchFilter.parse(text, dialect: .mlflow) }
    }

    @Test(arguments: [
        ("metrics.", 8), ("metrics.a", 9), ("metrics.a >", 11), ("metrics.a > 'x", 12), ("metrics.a == 1", 10),
        ("metrics.a <> 1", 10), ("a = 1;", 5), ("a = 1 b", 6), ("AND", 3), ("a = 1 AND", 9), ("a IN ()", 6),
        ("a IN ('x'", 9), ("a IN (1)", 6), ("a = 0x10", 4), ("a = inf", 4), ("= 1", 0), ("a = `b`", 4), ("a IS", 2),
        ("((((", 0), ("a NOT LIKE 'x'", 2), ("💥 = 1 $", 9),
    ])
    func `what is no filter is refused at its place`(text: String, offset: Int) {
        let error = #expect(throws: FilterError.self) { try SearchFilter.parse(text, dialect: .mlflow) }
        #expect(error?.offset == offset, "\(error?.message ?? "")")
    }

    @Test func `no text uses up stack or time`() throws {
        #expect(throws: FilterError.self) {
            try SearchFilter.parse(String(repeating: "(", count: 50_000), dialect: .extended)
        }
        #expect(throws: FilterError.self) {
            try SearchFilter.parse(String(repeating: "NOT ", count: 20_000) + "a = 1", dialect: .extended)
        }
        #expect(throws: FilterError.self) {
            try SearchFilter.parse(
                Array(repeating: "a = 1", count: 10_000).joined(separator: " AND "),
                dialect: .mlflow
            )
        }
        #expect(try SearchFilter.parse("   ", dialect: .mlflow) == nil)
    }

    @Test func `an order names a key and a direction`() throws {
        let order = try SearchFilter.parseOrder("metrics.`a b` desc")
        #expect(order == .init(identifier: .init(entity: "metrics", key: "a b"), isAscending: false))
        #expect(try SearchFilter.parseOrder("start_time").isAscending)
        #expect(throws: FilterError.self) { try SearchFilter.parseOrder("a DESC b") }
    }
}
