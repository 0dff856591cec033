import BalanceCore
import Testing

struct TimestampTests {
    @Test(arguments: [
        ("2026-02-16T19:46:48+00:00", 1_771_271_208_000), ("2026-02-16T19:46:48.250000+00:00", 1_771_271_208_250),
        ("2026-02-16T19:46:48Z", 1_771_271_208_000), ("2026-02-16T19:46:48", 1_771_271_208_000),
        ("2026-02-17T04:46:48+09:00", 1_771_271_208_000), ("1969-12-31T23:59:59+00:00", -1000),
    ])
    func `an ISO text is read with or without fraction and offset`(text: String, milliseconds: Int) {
        #expect(Timestamp(iso8601: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: ["", "yesterday", "2026-13-40T00:00:00", "16.02.2026"])
    func `a text that is no time is nil`(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test func `a moment is written in UTC to the second`() {
        let moment = Timestamp(milliseconds: 1_771_271_208_250)
        #expect(moment.iso8601 == "2026-02-16T19:46:48+00:00")
        #expect(moment.compact == "20260216_194648")
    }

    @Test(arguments: [Int.min, Int.max, 0])
    func `no moment is out of range`(milliseconds: Int) {
        #expect(!Timestamp(milliseconds: milliseconds).iso8601.isEmpty)
    }
}
