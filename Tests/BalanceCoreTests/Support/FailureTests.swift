import BalanceCore
import Testing

struct FailureTests {
    @Test(arguments: Failure.Code.allCases)
    func `every code has a status of an error and an exit status that is no success`(code: Failure.Code) {
        #expect((400...599).contains(code.row.status))
        #expect((1...78).contains(code.row.exit))
        #expect(!code.row.mlflow.isEmpty)
    }

    @Test func `an unknown error shows its type and never its text`() {
        struct Secret: Error, CustomStringConvertible { var description = "password=1234" }
        let failure = Failure.from(Secret())
        #expect(failure.code == .internalError)
        #expect(failure.details?["type"]?.string == "Secret")
        #expect(!"\(failure)".contains("1234"))
    }
}
