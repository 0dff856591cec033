import BalanceCore
import Testing

@testable import BalanceDashboard

struct MarkdownTests {
    private func html(_ text: String) -> String {
        Markdown.html(text) { $0.hasPrefix("missing") ? nil : "/files/\($0)?a=1&b=\"2\"" }
    }

    @Test(arguments: [
        ("# One #\n\nTwo\n---", "<h1>One</h1>\n<h2>Two</h2>\n"),
        ("a\nb  \nc\\\nd", "<p>a\nb<br>\nc<br>\nd</p>\n"),
        ("*a* **b** ***c*** ~~d~~", "<p><em>a</em> <strong>b</strong> <em><strong>c</strong></em> <del>d</del></p>\n"),
        ("snake_case_name and 2*3*4", "<p>snake_case_name and 2<em>3</em>4</p>\n"),
        ("**\"강조\"**는", "<p><strong>&quot;강조&quot;</strong>는</p>\n"),
        ("`` a ` b ``", "<p><code>a ` b</code></p>\n"),
        ("```py\na\n\tb\n```\nc", "<pre><code>a\n\tb\n</code></pre>\n<p>c</p>\n"),
        ("    a\n\n    b\n\nc", "<pre><code>a\n\nb\n</code></pre>\n<p>c</p>\n"),
        ("> a\nb\n> > c", "<blockquote>\n<p>a\nb</p>\n<blockquote>\n<p>c</p>\n</blockquote>\n</blockquote>\n"),
        ("a\n\n* * *\n\nb", "<p>a</p>\n<hr>\n<p>b</p>\n"),
        ("a &amp; b &lt; &#65; &nothing;", "<p>a &amp; b &lt; A &amp;nothing;</p>\n"),
        ("\\*a\\* \\<b>", "<p>*a* &lt;b&gt;</p>\n"),
    ])
    func `the usual marks become their elements`(text: String, expected: String) {
        #expect(html(text) == expected)
    }

    @Test(arguments: [
        ("- a\n- b\n  1. c", "<ul>\n<li>a</li>\n<li>b\n<ol start=\"1\">\n<li>c</li>\n</ol>\n</li>\n</ul>\n"),
        ("3) a\n\n4) b", "<ol start=\"3\">\n<li><p>a</p>\n</li>\n<li><p>b</p>\n</li>\n</ol>\n"),
        ("In\n2024. It", "<p>In\n2024. It</p>\n"),
        (
            "- [x] a\n- [ ] b",
            "<ul>\n<li class=\"task\"><input type=\"checkbox\" checked disabled> a</li>\n"
                + "<li class=\"task\"><input type=\"checkbox\" disabled> b</li>\n</ul>\n"
        ),
        (
            "| a | b |\n|---|--:|\n| `x\\|y` | 2 |\n| 3 |",
            "<table>\n<thead>\n<tr><th>a</th><th align=\"right\">b</th></tr>\n</thead>\n<tbody>\n"
                + "<tr><td><code>x|y</code></td><td align=\"right\">2</td></tr>\n"
                + "<tr><td>3</td><td colspan=\"1\"></td></tr>\n</tbody>\n</table>\n"
        ),
    ])
    func `lists and tables keep their structure`(text: String, expected: String) {
        #expect(html(text) == expected)
    }

    @Test(arguments: [
        ("[a](http://x.y \"t\")", "http://x.y\" title=\"t", "a"),
        ("[a](docs/b.md#c)", "docs/b.md#c", "a"),
        ("[a](<b c>)", "b%20c", "a"),
        ("[a][r] \n\n[R]: https://x.y/?a=1&b=2", "https://x.y/?a=1&amp;b=2", "a"),
        ("<https://x.y>", "https://x.y", "https://x.y"),
        ("<me@x.kr>", "mailto:me@x.kr", "me@x.kr"),
        ("https://x.y/z_(a).", "https://x.y/z_(a)", "https://x.y/z_(a)"),
    ])
    func `links lead to web pages, mail and relative paths`(text: String, address: String, label: String) {
        #expect(html(text).contains("<a href=\"\(address)\" rel=\"noopener noreferrer nofollow\">\(label)</a>"))
    }

    @Test(arguments: [
        "[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))", "[a](javascript&colon;alert(1))",
        "[a](java&#9;script:alert(1))", "[a](java&NewLine;script:alert(1))", "[a](&#1;javascript:alert(1))",
        "[a](< javascript:alert(1)>)", "[a](data:text/html;base64,PHNjcmlwdD4=)", "[a](vbscript:x)", "[a](file:///etc)",
        "[a][r]\n\n[r]: javascript:alert(1)", "<javascript:alert(1)>", "<data:text/html,x>", "[a](java\\\nscript:x)",
        "[a](java\u{0}script:x)", "[a](\u{7F}javascript:x)", "[a](x:y)",
    ])
    func `a link with a script is text`(text: String) {
        #expect(!html(text).contains("<a "), "\(html(text))")
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a <b onclick='x'>c</b>", "<!-- a -->",
        "<a\nhref=x>",
        "[a](\"onmouseover=\"x)", "[a](x '\" onclick=\"y')", "![\" onerror=\"x](a.png)", "![a](a.png '\"><script>')",
        "[a](\"\u{301}onclick=x)", "`<b>`", "```<b>\n<i>\n```", "|<b>|\n|-|\n|<i>|", "[a](b\"c)", "<x@y.z\">",
    ])
    func `markup in the text is text`(text: String) {
        let html = html(text)
        let allowed =
            /<\/?(p|em|code|pre|table|thead|tbody|tr|th|td|a|br)>|<a href="[^"<>]*"( title="[^"<>]*")? rel="[a-z ]*">/
        let image = /<img src="[^"<>]*"( title="[^"<>]*")? loading="lazy" alt="[^"<>]*">/
            .matchingSemantics(.unicodeScalar)
        let rest = html.replacing(image, with: "").replacing(allowed, with: "")
        #expect(!rest.utf8.contains { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "\"") }, "\(html)")
    }

    @Test func `an image is one of the same run or its description`() {
        let source = "/files/plots/a b.png?a=1&amp;b=&quot;2&quot;"
        #expect(html("![*x* `y`](plots/a%20b.png)") == "<p><img src=\"\(source)\" loading=\"lazy\" alt=\"x y\"></p>\n")
        for path in [
            "missing.png", "http://x.y/z.png", "//x.y/z.png", "../a", "a/../b", "%2e%2e/a", "/a", "a?b", "a\\b", "",
        ] {
            #expect(html("![x *y*](\(path))") == "<p>x y</p>\n", "\(path)")
        }
    }

    @Test func `a link around an image is one link`() {
        #expect(html("[![a](b.png) http://c.d](http://x.y)").count { $0 == "<" } == 5)
    }

    /// A debug build takes a hundred times as long as a release build, in which a megabyte takes less than a second.
    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            "[", "*", "> ", "*a ", "*a_ ", "![", "[a](", "](x", "[a](<b", "[a](b \"c", "[a][b", "`a``", "<a:", "- ",
            "1. ",
            "| a ", "|-", "http://", "&", "\\", "~a~", "~~a ", "- a\n", "> - ", "\n", "![[a](b)](c) ", "**a_b ",
        ]
    )
    func `the time is linear and the stack is bounded`(part: String) {
        #expect(!html("a\n" + String(repeating: part, count: 60_000 / part.utf8.count)).isEmpty)
    }

    @Test func `a long definition and a wide table do not multiply the text`() {
        let links = "[a]: " + String(repeating: "x", count: 4000) + "\n\n" + String(repeating: "[a]", count: 20_000)
        #expect(html(links).utf8.count < 1_000_000)
        let row = String(repeating: "|a", count: 2000) + "\n" + String(repeating: "|-", count: 2000) + "\n"
        #expect(html(row + String(repeating: "b\n", count: 2000)).utf8.count < 1_000_000)
    }

    @Test func `no mixture of marks traps or leaves an element open`() {
        var random = SplitMix64(seed: 7)
        let parts = [
            "*", "**", "_", "~~", "`", "```\n", "[", "](", ")", "![", "](a.png)", "<", ">", "> ", "- ", "1. ", "    ",
            "\t",
            "\n", "\n\n", "| ", "|-|", "a", "한", "\u{301}", "&amp;", "&#", "\\", "http://x", ":", "# ", "===\n",
            "[a]: b\n", " ",
            "\"", "'", "\u{0}", "\r", "- [ ] ", "<http://a>",
        ]
        for _ in 0..<1500 {
            let count = Int(random.next() % 40)
            let text = (0..<count).map { _ in parts[Int(random.next() % UInt64(parts.count))] }.joined()
            #expect(isBalanced(html(text)), "\(text.debugDescription)")
        }
    }

    /// Whether each element ends in the one that it began in.
    private func isBalanced(_ html: String) -> Bool {
        var open: [Substring] = []
        let tags = /<(\/?)([a-z0-9]+)(?:\s[^<>]*)?>/.matchingSemantics(.unicodeScalar)
        for match in html.matches(of: tags) where !["br", "hr", "img", "input"].contains(match.2) {
            if match.1.isEmpty {
                open.append(match.2)
            } else if open.popLast() != match.2 {
                return false
            }
        }
        return open.isEmpty
    }
}
