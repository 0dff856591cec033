/// Indexes for models with many versions.
enum Schema007 {
    static func create(_ connection: any SQLConnection) throws {
        for statement in statements { try connection.execute(statement) }
    }

    private static let statements = [
        "CREATE INDEX model_version_stage ON model_version (name, stage, version)",
        """
        CREATE INDEX model_version_rolled_back ON model_version (name, digest, rolled_back_at_ms)
            WHERE rolled_back_at_ms IS NOT NULL
        """,
    ]
}
