/// A person or a program that may sign in.
package struct Account: Sendable, Hashable {
    package enum Kind: String, Sendable {
        case person
        /// A program: no password, tokens alone; it belongs to a person.
        case service
    }

    /// Random, and never given twice.
    package var id: String
    package var name: String
    package var displayName: String?
    package var kind: Kind
    /// The account that a service belongs to.
    package var owner: String?
    /// The identity provider and its name for the person, where it signs in there.
    package var issuer: String?
    package var subject: String?
    package var hasPassword: Bool
    package var isDisabled: Bool
    package var createdAt: Timestamp
    package var lastSignIn: Timestamp?
    package var grants: [Grant]

    package init(id: String, name: String, kind: Kind, createdAt: Timestamp, grants: [Grant] = []) {
        self.id = id
        self.name = name
        self.kind = kind
        self.createdAt = createdAt
        self.grants = grants
        hasPassword = false
        isDisabled = false
    }

    package var isActive: Bool { !isDisabled }

    /// Whether it is a person who may manage accounts.
    package var managesAccounts: Bool {
        isActive && kind == .person && grants.contains { $0.role == .admin && $0.scope == .everything }
    }

    package func principal(
        _ door: Principal.Door,
        token: String? = nil,
        limit: TokenLimit? = nil
    ) -> Principal {
        Principal(id: id, name: name, door: door, grants: grants, tokenID: token, limit: limit)
    }

    package var json: JSONValue {
        .object([
            ("name", .string(name)), ("id", .string(id)), ("kind", .string(kind.rawValue)),
            ("display_name", .optional(displayName)), ("disabled", .bool(isDisabled)),
            ("has_password", .bool(hasPassword)), ("issuer", .optional(issuer)),
            ("created_at", .string(createdAt.iso8601)), ("last_sign_in_at", .optional(lastSignIn?.iso8601)),
            ("grants", .array(grants.map(\.json))),
        ])
    }
}

/// The names of accounts.
package enum AccountName {
    private static let reserved: Set<String> = [
        "admin-cli", "anonymous", "api", "cli", "client", "dashboard", "grpc", "registry", "server", "system",
        "unknown",
    ]

    /// A name of 1 to 64 of `a-z`, `0-9`, `.`, `_`, `-` and `@`, with a letter or digit in front.
    ///
    /// - Throws: `Failure` with code `invalidArgument`.
    package static func checked(_ name: String) throws -> String {
        let isName = name.wholeMatch(of: /[a-z0-9][a-z0-9._@-]{0,63}/) != nil
        guard isName else {
            throw Failure(
                .invalidArgument,
                "invalid account name '\(name.prefix(80))'",
                hint: "use 1 to 64 of a-z, 0-9 and . _ @ -, with a letter or digit first"
            )
        }
        guard !reserved.contains(name) else {
            throw Failure(.invalidArgument, "the account name '\(name)' is reserved", hint: "choose another name")
        }
        return name
    }
}

/// A token as it is kept: without its secret.
package struct TokenRecord: Sendable, Hashable {
    package struct Former: Sendable, Hashable {
        package var digest: String
        package var until: Timestamp

        package init(digest: String, until: Timestamp) {
            self.digest = digest
            self.until = until
        }
    }

    package var id: String
    package var accountID: String
    /// What it is for.
    package var note: String
    /// SHA-256 of its text, in hex.
    package var digest: String
    /// The digest that it had before it was rotated, and until when that one holds.
    package var former: Former?
    package var limit: TokenLimit
    package var createdAt: Timestamp
    package var expiresAt: Timestamp?
    package var lastUsedAt: Timestamp?
    package var revokedAt: Timestamp?

    package init(
        id: String,
        accountID: String,
        note: String,
        digest: String,
        limit: TokenLimit,
        createdAt: Timestamp,
        expiresAt: Timestamp?
    ) {
        self.id = id
        self.accountID = accountID
        self.note = note
        self.digest = digest
        self.limit = limit
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    var digests: [String] { [digest] + (former.map { [$0.digest] } ?? []) }

    func expires(_ digest: String) -> Timestamp? {
        guard let former, former.digest == digest else { return expiresAt }
        return expiresAt.map { min($0, former.until) } ?? former.until
    }

    package func json(account: String) -> JSONValue {
        .object([
            ("id", .string(id)), ("account", .string(account)), ("note", .string(note)),
            ("permissions", .strings(limit.permissions == .all ? [] : limit.permissions.permissions.map(\.rawValue))),
            ("scopes", .strings(limit.scopes.map(\.text))), ("created_at", .string(createdAt.iso8601)),
            ("expires_at", .optional(expiresAt?.iso8601)), ("last_used_at", .optional(lastUsedAt?.iso8601)),
            ("revoked_at", .optional(revokedAt?.iso8601)),
        ])
    }
}

/// A browser that somebody signed in with.
package struct Session: Sendable, Hashable {
    /// SHA-256 of what the cookie holds, in hex.
    package var id: String
    package var accountID: String
    package var createdAt: Timestamp
    package var seenAt: Timestamp
    package var address: String
    package var agent: String

    package init(id: String, accountID: String, createdAt: Timestamp, address: String, agent: String) {
        self.id = id
        self.accountID = accountID
        self.createdAt = createdAt
        seenAt = createdAt
        self.address = address
        self.agent = agent
    }

    /// For how long it holds while nobody uses it, and at most, in milliseconds.
    package static let idle = 12 * 3_600_000
    package static let longest = 7 * 86_400_000

    package func holds(at now: Timestamp) -> Bool {
        now.milliseconds - seenAt.milliseconds < Self.idle && now.milliseconds - createdAt.milliseconds < Self.longest
    }
}
