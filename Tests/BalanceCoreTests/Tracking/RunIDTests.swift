import BalanceSystem
import BalanceCore
import Testing

struct RunIDTests {
    @Test func `a new identity has one stored and one native form`() {
        let id = RunID()
        #expect(id.stored.count == 32)
        #expect(id.native.count == 36)
        #expect(RunID(native: id.native) == id)
        #expect(RunID(native: id.stored) == id)
        #expect(RunID(stored: id.stored) == id)
    }

    @Test(arguments: ["old", "", "../../etc", "AAAAAAAA-1111-4111-8111-111111111111", "1-2", "----"])
    func `a text of another form is kept as it is`(text: String) {
        #expect(RunID(native: text).native == text)
        #expect(RunID(native: text).stored == text)
    }
}
