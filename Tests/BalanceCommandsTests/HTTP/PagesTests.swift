import BalanceService
import BalanceCore
import Foundation
import HTTPTypes
import Testing

@testable import BalanceCommands

struct PagesTests {
    @Test(arguments: ["en.kst.system", "ko.utc.dark"])
    func `an empty workspace names the commands that fill it`(cookie: String) async throws {
        try await TestServer().api { client in
            let page = try await client.get("/ui", headers: [.cookie: "balanceops=\(cookie)"])
            #expect(page.status == 200)
            #expect(page.text.contains("balanceops train-dummy"))
            #expect(page.text.contains("balanceops demo-run"))
            #expect(page.text.contains(cookie.hasPrefix("ko") ? "현재 모델" : "Current model"))
            #expect(page.headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
        }
    }

    @Test func `what a run says of itself is shown as text`() async throws {
        let server = try await TestServer()
        let workspace = try await Workspace.open(server.settings)
        let attack = "<img src=x onerror=alert(1)>\"\u{301} onmouseover=\"alert(2)'</script>"
        let recorder = RunRecorder(workspace: workspace, kind: "k")
        try await recorder.begin(params: .object([(attack, .string(attack))]), note: attack)
        _ = try await recorder.finish(metrics: [Metric(attack, 1)])
        try await server.api { client in
            for path in ["/ui", "/ui/runs/\(recorder.id)", "/ui/runs/\(recorder.id)?tab=metrics", "/ui?q=%3Cimg%22"] {
                let text = try await client.get(path).text
                #expect(!text.contains("<img src=x"), "\(path)")
                #expect(!text.utf8.containsSubsequence("\"\u{301} onmouseover".utf8), "\(path)")
                #expect(text.contains("&lt;img"), "\(path)")
            }
        }
    }

    @Test func `a run has four tabs and its files can be fetched`() async throws {
        let server = try await TestServer()
        let workspace = try await Workspace.open(server.settings)
        let report = try await DummyTraining().run(in: workspace, promotes: true)
        try await server.api { client in
            let base = "/ui/runs/\(report.runID)"
            #expect(try await client.get("\(base)?tab=params").text.contains("n_samples"))
            #expect(try await client.get("\(base)?tab=metrics").text.contains("bal_acc"))
            #expect(try await client.get("\(base)?tab=manifest").text.contains("manifest_path"))
            #expect(try await client.get("\(base)?tab=artifacts").text.contains("\(base)/artifacts/0"))
            let file = try await client.get("\(base)/artifacts/0")
            #expect(file.status == 200)
            #expect(file.text.hasPrefix(#"{"format":"balanceops-linear/1""#))
            #expect(file.headers[.contentDisposition]?.hasPrefix("attachment;") == true)
            #expect(try await client.get("\(base)/artifacts/9").status == 404)
            let latest = try await client.get("/ui/runs/latest")
            #expect(latest.status == 303)
            #expect(latest.headers[.location] == base)
        }
    }

    @Test func `a file outside the artifact root is not handed out`() async throws {
        let server = try await TestServer()
        let workspace = try await Workspace.open(server.settings)
        let recorder = RunRecorder(workspace: workspace, kind: "k")
        try await recorder.begin(params: .object([]), note: "n")
        let secret = try server.folder.write("secret", to: "secret.txt")
        try FileManager.default.createDirectory(atPath: server.folder("artifacts"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: server.folder("artifacts/link"), withDestinationPath: secret)
        for path in [secret, "../secret.txt", "link", server.folder("artifacts/../secret.txt")] {
            try await workspace.tracking.addArtifact(ArtifactRecord(kind: "x", path: path), to: recorder.id)
        }
        try await server.api { client in
            for index in 0..<4 {
                let answer = try await client.get("/ui/runs/\(recorder.id)/artifacts/\(index)")
                #expect(answer.status == 404)
                #expect(!answer.text.contains("secret<") && answer.text != "secret")
            }
        }
    }

    @Test func `preferences are kept and lead back to our own pages only`() async throws {
        try await TestServer().api { client in
            let kept = try await client.get("/ui/preferences?lang=ko&tz=utc&theme=dark&back=%2Fui%2Fruns%2Flatest")
            #expect(kept.status == 303)
            #expect(kept.headers[.location] == "/ui/runs/latest")
            #expect(kept.headers[.setCookie]?.hasPrefix("balanceops=ko.utc.dark;") == true)
            for back in ["%2F%2Fevil", "https%3A%2F%2Fevil", "%2F%5Cevil", "%2F%0d%0aX%3A1"] {
                #expect(try await client.get("/ui/preferences?back=\(back)").headers[.location] == "/ui/")
            }
            let odd = try await client.get("/ui/preferences?lang=xx&tz=%3Cb%3E")
            #expect(odd.headers[.setCookie]?.hasPrefix("balanceops=en.kst.system;") == true)
        }
    }

    @Test func `the filters change what is listed`() async throws {
        let server = try await TestServer()
        let workspace = try await Workspace.open(server.settings)
        for kind in ["alpha", "beta"] {
            let recorder = RunRecorder(workspace: workspace, kind: kind)
            try await recorder.begin(params: .object([]), note: "note of \(kind)")
            _ = try await recorder.finish(metrics: [Metric("acc", 0.5)])
        }
        try await server.api { client in
            let all = try await client.get("/ui").text
            #expect(all.contains("note of alpha") && all.contains("note of beta"))
            let one = try await client.get("/ui?sent=1&kind=beta&limit=50&metrics=1").text
            #expect(!one.contains("note of alpha") && one.contains("note of beta"))
            let searched = try await client.get("/ui?sent=1&q=note+of+alpha").text
            #expect(searched.contains("note of alpha") && !searched.contains("note of beta"))
            let none = try await client.get("/ui?sent=1&q=nothing").text
            #expect(none.contains("No run matches the filter."))
        }
    }

    @Test func `an unknown run has a page that leads on`() async throws {
        try await TestServer().api { client in
            let page = try await client.get("/ui/runs/unknown")
            #expect(page.status == 404)
            #expect(page.headers[.contentType]?.hasPrefix("text/html") == true)
            #expect(page.text.contains("RUN_NOT_FOUND"))
        }
    }
}

extension Collection where Element == UInt8 {
    /// Whether the bytes occur; texts would be compared by characters, not by what a browser reads.
    fileprivate func containsSubsequence(_ other: some Collection<UInt8>) -> Bool {
        let (all, part) = (Array(self), Array(other))
        return all.count >= part.count
            && (0...(all.count - part.count)).contains { Array(all[$0..<$0 + part.count]) == part }
    }
}
