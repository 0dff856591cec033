import BalanceCore
import Testing

struct AccessRuleTests {
    private static func bytes(_ seed: UInt8, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) &+ seed }
    }

    @Test func `a token is of one form, and a mistyped one is none`() throws {
        let token = AccessToken(random: Self.bytes(7, 44))
        #expect(token.text.wholeMatch(of: /bops_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}/) != nil)
        #expect(AccessToken(parsing: token.text)?.text == token.text)
        #expect(token.digest == ContentHash.of(Array(token.text.utf8)))
        #expect(AccessToken(random: Self.bytes(8, 44)).id != token.id)
        var characters = Array(token.text)
        for index in characters.indices {
            let kept = characters[index]
            characters[index] = kept == "0" ? "1" : "0"
            #expect(AccessToken(parsing: String(characters)) == nil, "\(index)")
            characters[index] = kept
        }
        for text in [
            "", "bops_", String(token.text.dropLast()), token.text + "\n", token.text + "x", "bops_" + token.text,
            token.text.uppercased(),
        ] {
            #expect(AccessToken(parsing: text) == nil)
        }
        let again = AccessToken(id: token.id, random: Self.bytes(9, 33))
        #expect(again.id == token.id && again.digest != token.digest)
    }

    @Test func `a token is found in a longer text`() {
        let token = AccessToken(random: Self.bytes(1, 44)).text
        #expect(AccessToken.occurs(in: "x=1&token=\(token)&y=2"))
        #expect(!AccessToken.occurs(in: "x=1&token=\(token.dropLast())&y=2"))
        #expect(!AccessToken.occurs(in: "bops_ is a prefix"))
    }

    @Test(arguments: [
        ("model:credit", AccessObject.model("credit"), true), ("model:credit", .model("Credit"), false),
        ("model:caf\u{e9}", .model("cafe\u{301}"), false), ("model:team-a-*", .model("team-a-x"), true),
        ("model:team-a-*", .model("team-ab"), false), ("model:*", .model("any"), true),
        ("model:credit", .experiment("credit"), false), ("experiments:team-a", .experiment("team-a"), true),
        ("experiments:team-a", .experiment("team-a/x/y"), true), ("experiments:team-a", .experiment("team-ab"), false),
        ("experiments:team-a", .server, false), ("*", .server, true), ("*", .model("x"), true),
    ])
    func `a scope covers what it names, by bytes`(_ text: String, _ object: AccessObject, _ covers: Bool) throws {
        let scope = try AccessScope(text)
        #expect(scope.covers(object) == covers)
        #expect(scope.text == text)
    }

    @Test(arguments: ["", "model", "model:", "run:x", "experiments:a/", "**"])
    func `a scope of another form is refused`(_ text: String) {
        #expect(throws: Failure.self) { try AccessScope(text) }
    }

    @Test(arguments: ["kim", "a", "k.m_n-1@example.com"])
    func `names of accounts are plain`(_ name: String) throws { #expect(try AccountName.checked(name) == name) }

    @Test(arguments: [
        "", "Kim", "-kim", "k m", "kım", "api", "server", String(repeating: "a", count: 65), "a/b", "os:kim",
    ])
    func `other names are refused`(_ name: String) {
        #expect(throws: Failure.self) { try AccountName.checked(name) }
    }

    /// What is allowed, said once more in the plainest way.
    private static func allows(
        _ grants: [Grant],
        _ limit: TokenLimit?,
        _ permission: Permission,
        _ object: AccessObject
    ) -> Bool {
        for grant in grants where grant.role.permissions.contains(permission) && grant.scope.covers(object) {
            guard let limit else { return true }
            let fits = limit.scopes.isEmpty || limit.scopes.contains { $0.covers(object) }
            if limit.permissions.contains(permission), fits { return true }
        }
        return false
    }

    @Test func `no principal may do what its grants and its token do not both allow`() throws {
        var random = SplitMix64(seed: 11)
        let scopes = try ["*", "model:credit", "model:cr*", "model:x", "experiments:a", "experiments:a/b"].map {
            try AccessScope($0)
        }
        let objects: [AccessObject] = [
            .server, .model("credit"), .model("crab"), .model("x"), .experiment("a"), .experiment("a/b"),
            .experiment("a/b/c"), .experiment("ab"),
        ]
        func some<Value>(_ values: [Value], _ most: Int) -> [Value] {
            (0..<Int(random.next() % UInt64(most + 1))).map { _ in values[Int(random.next() % UInt64(values.count))] }
        }
        for _ in 0..<2000 {
            let grants = zip(some(Role.allCases, 3), some(scopes, 3)).map { Grant(role: $0, scope: $1) }
            let limit: TokenLimit? =
                random.next() % 2 == 0
                ? nil : TokenLimit(permissions: PermissionSet(some(Permission.grantable, 5)), scopes: some(scopes, 2))
            let principal = Principal(id: "1", name: "kim", door: .token, grants: grants, limit: limit)
            for permission in Permission.grantable {
                for object in objects {
                    let may = principal.may(permission, object)
                    #expect(
                        may == Self.allows(grants, limit, permission, object),
                        "\(grants) \(String(describing: limit)) \(permission) \(object)"
                    )
                    if may { #expect(principal.mayAnywhere(permission)) }
                    if permission == .read, may { #expect(principal.visibility(for: .read)?.shows(object) ?? true) }
                }
            }
        }
    }

    @Test func `the trail's lines of nobody keep their form`() {
        let old = AuditEvent(
            at: Timestamp(milliseconds: 5),
            by: Actor(name: "kim"),
            action: .promoted,
            subject: "credit",
            reason: ""
        )
        #expect(old.content["account_id"] == nil)
        var actor = Actor(name: "kim")
        actor.accountID = "a1"
        let new = AuditEvent(
            at: Timestamp(milliseconds: 5),
            by: actor,
            action: .promoted,
            subject: "credit",
            reason: ""
        )
        #expect(new.content["account_id"]?.string == "a1")
        #expect(new.expectedHash != old.expectedHash)
    }
}
