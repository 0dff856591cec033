import CCrashMark

/// Says which model a thread asks, so that what a crash record blames is what was at work.
package enum CrashMark {
    /// A number that stands for a model's name.
    package static func of(_ name: String) -> UInt64 {
        let hash = FNV1a.hash(name.utf8)
        return hash == 0 ? 1 : hash
    }

    /// Runs what asks a model.
    static func during<Value>(_ model: ServedModel, _ body: () throws -> Value) rethrows -> Value {
        crash_mark_set(model.crashMark, Int64(model.version))
        defer { crash_mark_set(0, 0) }
        return try body()
    }
}
