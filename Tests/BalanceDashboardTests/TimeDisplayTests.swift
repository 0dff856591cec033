import Testing

@testable import BalanceDashboard

struct TimeDisplayTests {
    @Test func `Korean time is nine hours ahead`() {
        let cell = TimeDisplay(zone: .kst).cell("2026-02-16T19:46:48+00:00")
        #expect(cell.text == "2026-02-17 04:46:48 KST")
        #expect(cell.iso == "2026-02-16T19:46:48+00:00")
    }

    @Test func `the browser's time is rewritten by the page and stands in UTC before`() {
        #expect(TimeDisplay(zone: .browser).cell("2026-02-16T19:46:48+00:00").text == "2026-02-16 19:46:48 UTC")
    }

    @Test func `a text that is no time is shown as it is`() {
        #expect(TimeDisplay(zone: .utc).cell("yesterday").text == "yesterday")
    }
}
