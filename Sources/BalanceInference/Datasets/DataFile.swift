import BalanceCore
import Foundation

/// Reads the files that a user names.
enum DataFile {
    /// - Throws: `Failure` with code `fileNotFound` that tells a missing file from one that cannot be read.
    static func read(_ path: String, what: String) throws -> Data {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Failure(.fileNotFound, "\(what) \(path) does not exist", hint: "see examples/ for samples")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(.fileNotFound, "\(what) \(path) is not a regular file", hint: "pass a file")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(.fileNotFound, "cannot read \(what) \(path)", hint: "check its owner and permissions")
        }
        return data
    }
}
