/// Runs predictions that take long where nobody else waits for them.
package protocol PredictionRunner: Sendable {
    /// - Throws: what `body` does; `Failure` with code `unavailable` where too many wait already.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value
}
