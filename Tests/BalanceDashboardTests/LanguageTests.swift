import Foundation
import Testing

@testable import BalanceDashboard

struct LanguageTests {
    @Test func `both languages have the same texts and none is empty`() {
        let english = Language.english.texts
        let korean = Language.korean.texts
        #expect(Set(english.keys) == Set(korean.keys))
        #expect(english.values.allSatisfy { !$0.isEmpty })
        #expect(korean.values.allSatisfy { !$0.isEmpty })
    }

    @Test(arguments: [
        "head", "foot", "runs", "run", "experiments", "error", "rules", "who", "models", "model", "version", "rollback",
        "policy", "audit", "auditline",
    ])
    func `every text that a template names exists`(template: String) {
        let text = Assets.text("templates/\(template).mustache")
        #expect(!text.isEmpty)
        for match in text.matches(of: /\{\{t\.([a-z_]+)\}\}/) {
            #expect(Language.english.texts[String(match.1)] != nil, "\(match.1) in \(template)")
        }
    }

    @Test func `no page asks another host for anything`() {
        for name in ["app.css", "app.js", "chart.js", "templates/head.mustache", "templates/runs.mustache"] {
            let text = Assets.text(name).replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
            #expect(!text.contains("http://") && !text.contains("https://") && !text.contains("//cdn"), "\(name)")
        }
    }
}
