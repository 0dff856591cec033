import BalanceCore
import Foundation
import GRDB
import Synchronization

/// Watches that a database's files are those that were opened, and lets one process at a time write.
///
/// An open file goes on taking writes when its name is gone or stands for another file: what is acknowledged then is lost
/// with the process. So names and open files are compared behind each commit, before anybody is told of it.
final class DatabaseFiles: Sendable {
    private struct State {
        var database: FileID?
        /// The log's, known from the first commit on.
        var log: FileID?
        var largest = 0
        var loss: Failure?
    }

    private let path: String
    /// Its lock is held by whoever writes: checkpoints of two processes at once can damage a database (the WAL-reset defect
    /// of SQLite before 3.51.3).
    private let lock: Int32
    private let state = Mutex(State())

    /// How long another process may write before that is an error, in milliseconds.
    private static let patience = 5000

    init(path: String) throws {
        self.path = path
        lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw FileSystem.failure("created", path + ".lock") }
        state.withLock { $0.database = FileID(path: path) }
    }

    deinit { close(lock) }

    /// Why nothing is written any more; nil where all is well.
    var loss: Failure? {
        state.withLock { state in
            look(&state)
            return state.loss
        }
    }

    /// Runs a write with the lock, and looks at the files behind it.
    func writing<Value>(_ body: () throws -> Value) throws -> Value {
        if let loss = state.withLock({ $0.loss }) { throw loss }
        try take()
        defer { flock(lock, LOCK_UN) }
        let value: Value
        do {
            value = try body()
        } catch {
            if Self.isSyncFailure(error) { give(up: "a write could not be synced to disk", error) }
            throw error
        }
        if let loss { throw loss }
        return value
    }

    private func take() throws {
        for waited in 0... {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return }
            guard errno == EWOULDBLOCK || errno == EINTR, waited < Self.patience else { break }
            usleep(1000)
        }
        throw Failure(.unavailable, "\(path) is locked by another process", hint: "try again")
    }

    /// After a failed `fsync` nobody knows what the disk has (PostgreSQL's fsync surprise, 2018).
    private static func isSyncFailure(_ error: any Error) -> Bool {
        let code = (error as? DatabaseError)?.extendedResultCode
        return code == .SQLITE_IOERR_FSYNC || code == .SQLITE_IOERR_DIR_FSYNC
    }

    private func give(up reason: String, _ cause: any Error) {
        state.withLock { state in
            if state.loss == nil { state.loss = failure(reason, cause) }
        }
    }

    private func look(_ state: inout State) {
        guard state.loss == nil else { return }
        let database = FileID(path: path)
        let log = FileID(path: path + "-wal")
        if state.log == nil { state.log = log }
        guard let database, database.isSame(as: state.database),
            log.map({ $0.isSame(as: state.log) }) ?? (state.log == nil)
        else {
            state.loss = failure("its file was moved, replaced or deleted", nil)
            return
        }
        // A database only grows here; nobody gives pages back while it is open.
        if database.size < state.largest { state.loss = failure("its file was cut", nil) }
        state.largest = max(state.largest, database.size)
    }

    private func failure(_ reason: String, _ cause: (any Error)?) -> Failure {
        Failure(
            .storageLost,
            "writes to the database \(path) have stopped: \(reason)",
            hint: "stop the server, restore the database, and start the server again",
            cause: cause
        )
    }
}

/// What tells one file from another.
struct FileID: Sendable, Equatable {
    private let device: UInt64
    private let inode: UInt64
    let size: Int

    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int(status.st_size)
    }

    func isSame(as other: FileID?) -> Bool { device == other?.device && inode == other?.inode }
}
