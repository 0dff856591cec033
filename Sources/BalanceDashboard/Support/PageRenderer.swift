import BalanceNet
import BalanceCore
import HTTPTypes
import Hummingbird
import Mustache
import NIOCore

/// Renders templates into pages with the frame that all of them share.
struct PageRenderer: Sendable {
    let base: String
    /// What a proxy has in front of every path.
    let prefix: String
    private let library: MustacheLibrary

    private static let templates = [
        "head", "foot", "runs", "run", "experiments", "error", "rules", "who", "models", "model", "version", "rollback",
        "policy", "audit", "auditline", "csrf", "signin", "setup", "account", "users", "workspace", "compare",
        "try",
    ]

    init(base: String, prefix: String) {
        self.base = base
        self.prefix = prefix
        MustacheContentTypes.register(SafeHTML(), named: "SAFEHTML")
        var library = MustacheLibrary()
        for name in Self.templates {
            let text = "{{% CONTENT_TYPE: SAFEHTML}}" + Assets.text("templates/\(name).mustache")
            // The templates are part of the binary, and a test renders each of them.
            try? library.register(text, named: name)
        }
        self.library = library
    }

    /// What a page is made of.
    struct Page {
        var template: String
        var title: String
        var content: [String: Any]
        var status = HTTPResponse.Status.ok
        /// What the answer says besides.
        var headers: HTTPFields = [:]
    }

    /// Makes a page's answer; a failure becomes a page too.
    func page(_ request: Request, _ viewer: PageViewer, _ make: () async throws -> PageResult) async -> Response {
        do {
            switch try await make() {
            case .page(let page): return render(page, request, viewer)
            case .redirect(let path): return Response(status: .seeOther, headers: [.location: base + path])
            case .file(let response): return response
            case .json(let value):
                var headers = Self.headers
                headers[.contentType] = "application/json"
                return Response(
                    status: .ok,
                    headers: headers,
                    body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.bytes()))
                )
            }
        } catch {
            return failed(Failure.from(error), request, viewer)
        }
    }

    /// The page that says what went wrong.
    func failed(_ failure: Failure, _ request: Request, _ viewer: PageViewer) -> Response {
        render(errorPage(failure), request, viewer)
    }

    enum PageResult {
        case page(Page)
        case redirect(String)
        case file(Response)
        /// For a page's script.
        case json(JSONValue)
    }

    /// Keeps what the query chooses and goes back to the page that it came from.
    func keepPreferences(_ request: Request) -> Response {
        let query = FormFields(request.uri.query ?? "")
        var preferences = Preferences(request)
        preferences.apply(language: query["lang"], zone: query["tz"], theme: query["theme"])
        let back = query["back"] ?? ""
        // Only a path of our own: "//host" and "/\host" lead elsewhere.
        let isOurs = back.hasPrefix("/") && !back.hasPrefix("//") && !back.contains("\\") && !back.contains("\n")
        let target = isOurs && back.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? back : base + "/"
        return Response(status: .seeOther, headers: [.location: target, .setCookie: preferences.setCookie])
    }

    private func errorPage(_ failure: Failure) -> Page {
        Page(
            template: "error",
            title: failure.message,
            content: ["message": failure.message, "hint": failure.hint ?? "", "code": failure.code.rawValue],
            status: .init(code: failure.code.row.status)
        )
    }

    private func render(_ page: Page, _ request: Request, _ viewer: PageViewer) -> Response {
        let preferences = Preferences(request)
        let back = request.uri.string.hasPrefix("/") ? prefix + request.uri.string : base + "/"
        var context = page.content.withoutEmptyTexts.merging(viewer.content) { $1 }
        context["title"] = page.title
        context["base"] = base
        context["home"] = base + "/"
        context["back_path"] = back
        context["lang"] = preferences.language.rawValue
        context["theme"] = preferences.theme.rawValue
        context["zone"] = preferences.zone.rawValue
        context["product_version"] = Build.version
        context["t"] = preferences.language.texts
        context["languages"] = choices(Language.allCases, preferences.language) { $0.name }
        context["zones"] = choices(TimeDisplay.Zone.allCases, preferences.zone) {
            preferences.language.texts["zone_\($0.rawValue)"] ?? $0.rawValue
        }
        context["themes"] = choices(Preferences.Theme.allCases, preferences.theme) {
            preferences.language.texts["theme_\($0.rawValue)"] ?? $0.rawValue
        }
        let markup = library.render(context, withTemplate: page.template) ?? ""
        var headers = Self.headers
        headers[.contentType] = "text/html; charset=utf-8"
        headers.append(contentsOf: page.headers)
        return Response(
            status: page.status,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: markup))
        )
    }

    private func choices<Value: RawRepresentable<String> & Equatable>(
        _ values: [Value],
        _ chosen: Value,
        _ label: (Value) -> String
    ) -> [[String: Any]] {
        values.map { ["value": $0.rawValue, "label": label($0), "selected": $0 == chosen] }
    }

    /// What keeps a page from running or loading anything that is not ours.
    private static let headers: HTTPFields = {
        var headers: HTTPFields = [
            .contentSecurityPolicy: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                + "connect-src 'self'; frame-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; "
                + "frame-ancestors 'none'",
            .cacheControl: "no-store",
        ]
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "same-origin" }
        return headers
    }()
}

/// Escapes by code unit: a quote that a combining mark follows is one character to Swift, but still a quote to a browser.
private struct SafeHTML: MustacheContentType {
    func escapeText(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes += "&amp;".utf8
            case UInt8(ascii: "<"): bytes += "&lt;".utf8
            case UInt8(ascii: ">"): bytes += "&gt;".utf8
            case UInt8(ascii: "\""): bytes += "&quot;".utf8
            case UInt8(ascii: "'"): bytes += "&#39;".utf8
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension [String: Any] {
    /// The same without texts that are empty: a section of a template is shown for any text.
    var withoutEmptyTexts: [String: Any] { filter { ($0.value as? String)?.isEmpty != true } }
}

extension String {
    /// The text as a path whose slashes stay.
    var percentEncodedPath: String {
        split(separator: "/").map { String($0).percentEncoded }.joined(separator: "/")
    }
}
