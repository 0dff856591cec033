import CCrashMark

/// Says which model a thread asks, so that what a crash record blames is what was at work.
package enum CrashMark {
    /// A number that stands for a model's name: FNV-1a.
    package static func of(_ name: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash == 0 ? 1 : hash
    }

    /// Runs what asks a model.
    static func during<Value>(_ model: ServedModel, _ body: () throws -> Value) rethrows -> Value {
        crash_mark_set(model.crashMark, Int64(model.version))
        defer { crash_mark_set(0, 0) }
        return try body()
    }
}
