/// The order in which a run was told of its data sets: a version is judged on the last one.
enum Schema009 {
    static func create(_ connection: any SQLConnection) throws {
        try connection.execute("ALTER TABLE run_input ADD COLUMN seq INTEGER NOT NULL DEFAULT 0")
    }
}
