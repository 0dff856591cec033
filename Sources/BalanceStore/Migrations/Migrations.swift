/// The steps from an empty database to the newest schema; `user_version` counts how many were taken.
///
/// A step is never edited once it was released.
enum Migrations {
    static let all: [@Sendable (any SQLConnection) throws -> Void] = [
        { try Schema001.create($0) }, { try Schema002.create($0) }, { try Schema003.create($0) },
        { try Schema004.create($0) }, { try Schema005.create($0) }, { try Schema006.create($0) },
        { try Schema007.create($0) }, { try Schema008.create($0) }, { try Schema009.create($0) },
    ]

    static let tableNames = Schema001.tableNames.union(Schema002.tableNames).union(Schema004.tableNames)
        .union(Schema005.tableNames).union(Schema006.tableNames).union(Schema008.tableNames)
}
