import BalanceCore
import Testing

struct JSONValueTests {
    @Test(arguments: [
        #"{"a":[1,2.5,-3e-07,true,false,null,"x"],"b":{}}"#, "[]", "0", "-0.0", #""é \"quoted\" \\ \n""#,
        "1e-06", "9223372036854775807", "0.1",
    ])
    func `a text that was written is read and written the same`(text: String) throws {
        #expect(try JSONValue(parsing: text).text() == text)
    }

    @Test(arguments: [
        ("", 0), ("[1,]", 3), ("{\"a\"}", 4), ("[1 2]", 3), ("tru", 0), ("01", 1), ("1.", 2), ("\"\\x\"", 3),
        ("\"a", 2), ("\"\u{1}\"", 2), ("[1]]", 3), ("nul", 0), ("\"\\ud800\"", 7), ("+1", 0), ("NaN", 0),
    ])
    func `a text that is no JSON is refused at the wrong byte`(text: String, offset: Int) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text) }
        #expect(error?.offset == offset)
    }

    @Test func `nesting is bounded so that no input can use up the stack`() {
        let deep = String(repeating: "[", count: 100_000)
        let error = #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: deep) }
        #expect(error?.message == "nested deeper than 64 levels")
        #expect(throws: Never.self) {
            try JSONValue(parsing: String(repeating: "[", count: 64) + String(repeating: "]", count: 64))
        }
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: [0x22, 0xC0, 0xAF, 0x22]) }
    }

    @Test func `a surrogate pair becomes one character`() throws {
        #expect(try JSONValue(parsing: #""\ud83d\ude00""#).string == "😀")
    }

    @Test func `keys are compared by their bytes and the last of two equal ones holds`() throws {
        let value = try JSONValue(parsing: #"{"caf\u00e9": 1, "cafe\u0301": 2, "caf\u00e9": 3}"#)
        #expect(value["caf\u{e9}"]?.integer == 3)
        #expect(value["cafe\u{301}"]?.integer == 2)
    }

    @Test func `a number too large for any type reads as infinity and is written as null`() throws {
        let value = try JSONValue(parsing: "1e400")
        #expect(value.number == .infinity)
        #expect(value.text() == "null")
    }

    @Test func `a pretty text has one member a line`() {
        #expect(
            JSONValue.object([("a", .array([.int(1)])), ("b", .object([]))]).text(pretty: true) == """
                {
                  "a": [
                    1
                  ],
                  "b": {}
                }
                """
        )
    }

    @Test func `numbers are what the standard library reads, to the last bit`() throws {
        var generator = SystemRandomNumberGenerator()
        let odd = [
            "0", "-0", "-0.0", "0.1", "9007199254740993", "9007199254740993.0", "-999999999999999999",
            "123456789012345678", "1.7976931348623157e308",
        ]
        let random = (0..<20_000).map { _ in
            let whole = String(UInt64.random(in: 0...(1 << UInt64.random(in: 0...62)), using: &generator))
            let part = String(UInt64.random(in: 0...(1 << UInt64.random(in: 0...40)), using: &generator))
            return (Bool.random() ? "-" : "") + whole + (Bool.random() ? ".\(part)" : "")
        }
        for text in odd + random {
            let value = try JSONValue(parsing: text)
            if let number = Int(text), text != "-0" {
                #expect(value.integer == number, "\(text)")
            } else {
                #expect(value.number?.bitPattern == Double(text)?.bitPattern, "\(text)")
            }
        }
    }
}
