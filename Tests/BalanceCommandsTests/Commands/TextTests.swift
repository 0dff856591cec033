import BalanceCore
import Testing

@testable import BalanceCommands

struct TextTests {
    @Test func `a table takes wide letters for two columns`() {
        #expect(TextTable.lines([["a", "이름", "x"], ["bb", "b", "y"]], width: nil) == ["a   이름  x", "bb  b     y"])
    }

    @Test(arguments: [20, 40, 60, 100])
    func `no line of a table is wider than the terminal`(width: Int) {
        let rows = [["4f1c2d4f1c2d", "팀-가/이탈 예측 모델의 아주 긴 이름", "FINISHED"], ["b", "short", "RUNNING"]]
        for line in TextTable.lines(rows, width: width) { #expect(Terminal.width(of: line) <= max(width, 28)) }
    }

    @Test func `colours take no columns`() {
        #expect(Terminal.width(of: Terminal.paint("pass", .green, when: true)) == 4)
        #expect(Terminal.paint("pass", .green, when: false) == "pass")
    }

    @Test(arguments: [
        ("promte", "promote"), ("modles", "models"), ("hepl", "help"), ("Promote", "promote"), ("xyzzy", nil),
        ("", nil),
    ])
    func `the nearest name is suggested, and nothing that is far`(typed: String, meant: String?) {
        #expect(Suggestion.nearest(to: typed, of: ["promote", "models", "help", "rollback"]) == meant)
    }

    @Test func `numbers have four significant digits, and whole ones all`() {
        #expect(Plain.number(.double(0.7443181818181819)) == "0.7443")
        #expect(Plain.number(.int(1_234_567)) == "1234567")
        #expect(
            Plain.shortened("0.7443181818181819 -> 0.8368274099664: v1.2, 12 rows") == "0.7443 -> 0.8368: v1.2, 12 rows"
        )
        #expect([0, 1, 2].map { Plain.count($0, "run") } == ["0 runs", "1 run", "2 runs"])
        #expect(
            [0, 1, 1023, 1536, 5 << 30].map(Plain.size) == ["0 bytes", "1 byte", "1023 bytes", "1.5 KiB", "5.0 GiB"]
        )
    }

    @Test func `help has a command's own flags before those that many share`() throws {
        for (words, command) in RootCommand.all {
            let help = HelpText.arranged(RootCommand.helpMessage(for: command, columns: 80))
            for shared in ["FILES OR SERVER:", "FILES:", "AUDIT TRAIL:"] {
                guard let place = help.range(of: "\n\(shared)"), let own = help.range(of: "\nOPTIONS:") else {
                    continue
                }
                #expect(own.lowerBound < place.lowerBound, "\(words)")
            }
            let overview = help.prefix { $0 != "\n" }
            #expect(overview.hasPrefix("OVERVIEW: "), "\(words)")
            let wide = help.split(separator: "\n").filter {
                $0.count > 80 && !$0.hasPrefix("USAGE: ") && !$0.contains("--")
            }
            #expect(wide.isEmpty, "\(words)")
        }
    }
}
