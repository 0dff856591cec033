import BalanceCore
import BalanceNet
import BalanceService
import Foundation
import HTTPTypes
import Hummingbird

/// Whoever looks at a page, and what its forms are sealed with.
struct PageViewer: Sendable {
    /// The account's name; empty where nobody signs in.
    let name: String
    /// What a form of this reader must carry; empty where none is asked for.
    let seal: String
    let canSignOut: Bool
    private let may: Set<Permission>
    private let isOpen: Bool
    private let isAdmin: Bool

    /// Nobody, as on the page where one signs in.
    static func nobody(_ access: DashboardAccess) -> PageViewer {
        PageViewer(
            name: "",
            seal: "",
            canSignOut: false,
            may: [],
            isOpen: access.isOpen && !access.isOn,
            isAdmin: false
        )
    }

    private init(name: String, seal: String, canSignOut: Bool, may: Set<Permission>, isOpen: Bool, isAdmin: Bool) {
        self.name = name
        self.seal = seal
        self.canSignOut = canSignOut
        self.may = may
        self.isOpen = isOpen
        self.isAdmin = isAdmin
    }

    init(_ context: AppContext, _ access: DashboardAccess) {
        let principal = context.principal
        let model = context.parameters.get("name").map { AccessObject.model($0.removingPercentEncoding ?? $0) }
        let may = Permission.grantable.filter { permission in
            model.map { principal.may(permission, $0) } ?? principal.mayAnywhere(permission)
        }
        self.init(
            name: principal.name,
            seal: Self.seal(context),
            canSignOut: context.session != nil,
            may: Set(may),
            isOpen: access.isOpen && !access.isOn,
            isAdmin: principal.isChecked && principal.everywhere.contains(.administer)
        )
    }

    /// Known to the pages of this reader alone: another site's page cannot make a form that has it.
    private static func seal(_ context: AppContext) -> String {
        switch context.principal.door {
        case .session: seal(of: context.session ?? "")
        case .proxy: seal(of: "\(processKey) \(context.principal.id)")
        case .unchecked, .token, .password: ""
        }
    }

    static func seal(of secret: String) -> String { ContentHash.of(Array("balanceops form \(secret)".utf8)) }

    private static let processKey = Secret.text(bytes: 32)

    /// The same request, whose body was read, where it is a form that one of our pages made for this reader.
    ///
    /// - Throws: `Failure` with code `formExpired`.
    func opened(_ request: Request, _ context: AppContext) async throws -> Request {
        var whole = request
        whole.body = RequestBody(buffer: try await request.bytes(upTo: PageForm.maximumBody))
        guard try await ByteText.isSame(PageForm(whole, context)["csrf"], seal) else { throw Self.expired }
        return whole
    }

    static let expired = Failure(
        .formExpired,
        "The form has expired, or was not made by this server's pages.",
        hint: "open the page again and send it once more"
    )

    /// What templates know of the reader.
    var content: [String: Any] {
        var content: [String: Any] = [
            "may": Dictionary(uniqueKeysWithValues: Permission.grantable.map { ($0.rawValue, may.contains($0)) })
        ]
        if !name.isEmpty { content["account"] = name }
        if !seal.isEmpty { content["csrf"] = seal }
        content["can_sign_out"] = canSignOut
        content["is_open"] = isOpen
        content["is_admin"] = isAdmin
        return content
    }
}
