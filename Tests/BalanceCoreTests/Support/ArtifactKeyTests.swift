import BalanceCore
import Testing

struct ArtifactKeyTests {
    @Test(arguments: [
        "a", "1/abc/artifacts/model/MLmodel", "..hidden", "a b/한글.txt", ".trash/x", "ab:c", "x~", "aux.txt", "a\\b",
        "..\\x",
        "c:x", "a%2fb", "%2e%2e", "50%.txt", "a?b", "a#b", "a;b", "a\nb", "a\u{7F}", "dog%step%0%timestamp%1.png",
    ])
    func `a relative path in its normal form is a key`(text: String) throws {
        #expect(try ArtifactKey(text).text == text)
    }

    @Test(arguments: [
        "", "/", "/etc/passwd", "a/", "a//b", "./a", "a/.", "a/../b", "..", "../x", "C:/x", "0/run/c:/x", "a\u{0}b",
        "~",
        "~root/x",
        String(repeating: "a", count: 256), String(repeating: "ab/", count: 400) + "c",
    ])
    func `everything else is refused`(text: String) {
        let failure = #expect(throws: Failure.self) { try ArtifactKey(text) }
        #expect(failure?.code == .invalidParameter)
    }
}
