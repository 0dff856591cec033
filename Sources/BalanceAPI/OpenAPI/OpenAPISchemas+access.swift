import BalanceCore

extension OpenAPISchemas {
    /// The schemas of accounts and tokens.
    static let access: [(String, JSONValue)] = [
        ("Grant", object([("role", text), ("scope", text), ("title", nullable("string"))])),
        ("GrantRequest", object([("role", text), ("scope", text), ("title", text)], optional: ["scope", "title"])),
        (
            "User",
            object([
                ("name", text), ("id", text), ("kind", text), ("display_name", nullable("string")), ("disabled", flag),
                ("has_password", flag), ("issuer", nullable("string")), ("created_at", text),
                ("last_sign_in_at", nullable("string")), ("grants", list(reference("Grant"))),
            ])
        ),
        ("UserList", object([("items", list(reference("User"))), ("count", integer)])),
        (
            "NewUser",
            object(
                [
                    ("name", text), ("kind", text), ("display_name", text), ("password", text), ("owner", text),
                    ("grants", list(reference("GrantRequest"))),
                ],
                optional: ["kind", "display_name", "password", "owner", "grants"]
            )
        ),
        ("UserChange", object([("password", text), ("disabled", flag)], optional: ["password", "disabled"])),
        (
            "Me",
            object([
                ("name", text), ("id", text), ("via", text), ("token_id", nullable("string")),
                ("permissions", list(text)), ("permissions_somewhere", list(text)),
                ("grants", list(reference("Grant"))),
                ("token_scopes", list(text)),
            ])
        ),
        ("PasswordChange", object([("password", text), ("new_password", text)])),
        (
            "Session",
            object([("id", text), ("created_at", text), ("seen_at", text), ("address", text), ("agent", text)])
        ),
        ("SessionList", object([("items", list(reference("Session"))), ("count", integer)])),
        ("Token", object(token)),
        ("TokenList", object([("items", list(reference("Token"))), ("count", integer)])),
        (
            "NewToken",
            object(
                [
                    ("user", text), ("note", text), ("permissions", list(text)), ("scopes", list(text)),
                    ("days", integer),
                    ("never_expires", flag),
                ],
                optional: ["user", "note", "permissions", "scopes", "days", "never_expires"]
            )
        ),
        ("NewTokenAnswer", object([("token", text)] + token, optional: Set(token.map(\.0)).subtracting(["id"]))),
        ("TokenRotation", object([("grace_hours", integer)], optional: ["grace_hours"])),
    ]

    private static let token: [(String, JSONValue)] = [
        ("id", text), ("account", text), ("note", text), ("permissions", list(text)), ("scopes", list(text)),
        ("created_at", text), ("expires_at", nullable("string")), ("last_used_at", nullable("string")),
        ("revoked_at", nullable("string")),
    ]
}
