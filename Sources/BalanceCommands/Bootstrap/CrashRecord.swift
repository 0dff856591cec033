import Foundation

/// Remembers in a file when the process was ended by a defect of itself or of a library that executes models.
///
/// A process that somebody kills leaves no record; one that reads where it may not, or traps, leaves eight bytes: the second
/// of its end.
enum CrashRecord {
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
            var now = Int64(time(nil))
            _ = write(file, &now, 8)
            close(file)
        }
        signal(number, SIG_DFL)
        raise(number)
    }

    /// The seconds at which processes ended that way, the newest last.
    static func seconds(in file: String) -> [Int] {
        let bytes = [UInt8](FileManager.default.contents(atPath: file) ?? Data())
        return stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { start in
            Int(truncatingIfNeeded: bytes[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
    }

    static func forget(_ file: String) { unlink(file) }
}
