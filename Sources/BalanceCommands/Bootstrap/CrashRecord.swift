import BalanceSystem
import CCrashMark
import Foundation

/// Remembers in a file when the process was ended by a defect of itself or of a library that executes models, and which
/// model was asked then.
///
/// A process that somebody kills leaves no record; one that reads where it may not, or traps, leaves one.
struct CrashRecord: Equatable {
    /// When, in seconds since 1970.
    var second: Int
    /// `CrashMark.of` the name of the model that the thread was asking; 0: none.
    var model: UInt64
    var version: Int

    private static let signals = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP]

    /// Written once, before the handlers stand; a handler only reads it.
    private nonisolated(unsafe) static var path: UnsafeMutablePointer<CChar>?

    /// Writes crashes of this process to a file from now on.
    static func watch(_ file: String) {
        path = strdup(file)
        for number in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = handler
            sigaction(number, &action, nil)
        }
    }

    /// Calls nothing that a handler may not call, and ends the process as the signal would have; a stack that overflowed
    /// leaves no room for it, and no record.
    private static let handler: @convention(c) (Int32) -> Void = { number in
        if let path = CrashRecord.path {
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            var record = (Int64(time(nil)), crash_mark_model(), crash_mark_version())
            _ = write(file, &record, size)
            close(file)
        }
        signal(number, SIG_DFL)
        raise(number)
    }

    private static let size = 24

    /// What processes left that ended that way, the newest last.
    static func all(in file: String) -> [CrashRecord] {
        let bytes = [UInt8](FileManager.default.contents(atPath: file) ?? Data())
        guard bytes.count.isMultiple(of: size) else { return [] }
        func word(_ start: Int) -> UInt64 {
            bytes[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        return stride(from: 0, to: bytes.count, by: size).map { start in
            CrashRecord(
                second: Int(truncatingIfNeeded: word(start)),
                model: word(start + 8),
                version: Int(truncatingIfNeeded: word(start + 16))
            )
        }
    }

    static func forget(_ file: String) { unlink(file) }
}
