package import BalanceCore
import CCrashMark

/// Says which model a thread asks, so that what a crash record blames is what was at work.
package enum CrashMark {
    /// Runs what asks a model.
    package static func during<Value>(_ model: ServedModel, _ body: () throws -> Value) rethrows -> Value {
        crash_mark_set(model.crashMark, Int64(model.version))
        defer { crash_mark_set(0, 0) }
        return try body()
    }
}
