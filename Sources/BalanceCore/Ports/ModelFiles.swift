/// A candidate's file, copied beside the place where it will be served from.
package struct StagedModel: Sendable {
    /// Tells this promotion's files from those of another.
    package var token: String
    /// SHA-256 in hex.
    package var digest: String
    /// Keeps others from taking the file for one that nobody needs, as long as this value lives.
    private let lease: (any Sendable)?

    package init(token: String, digest: String, lease: (any Sendable)? = nil) {
        self.token = token
        self.digest = digest
        self.lease = lease
    }
}

/// The file that serves, and how it is exchanged so that a crash at any moment leaves a model that loads.
package protocol ModelFiles: Sendable {
    /// Where the current model of a name is served from.
    func currentPath(of name: String) throws -> String
    /// Reads a model file of at most 1 GiB and its SHA-256 in hex.
    ///
    /// - Throws: `Failure` with code `modelFileMissing` or `modelNotReadable`.
    func load(_ path: String) throws -> (bytes: [UInt8], digest: String)
    /// Writes a candidate's bytes beside the current file.
    func stage(_ bytes: [UInt8], digest: String, for name: String) throws -> StagedModel
    /// Exchanges the current file for the staged one, and keeps the old one and a note until ``finish(_:for:)`` or
    /// ``repair(_:current:)``.
    ///
    /// To be called while no other process can promote; `current` is the row before, by which an exchange is ended that
    /// another one did not finish.
    func install(_ staged: StagedModel, for name: String, over current: CurrentModel?) throws
    /// Ends an exchange whose row is committed: the old file and the note go.
    func finish(_ staged: StagedModel, for name: String)
    /// Removes a staged file that was not installed.
    func discard(_ staged: StagedModel, for name: String)
    /// Ends an exchange as the database's row says: the new file stays, or the old one comes back.
    ///
    /// To be called while no other process can promote, after a failure or a crash.
    func repair(_ name: String, current: CurrentModel?) throws
    /// Whether an exchange has begun and was not ended by ``repair(_:current:)``.
    func isExchanging(_ name: String) -> Bool
    /// The names of the models whose exchange was begun and not ended.
    func interruptedExchanges() -> [String]
    /// Removes what exchanges left behind that nobody is in the middle of.
    func sweep()
}
