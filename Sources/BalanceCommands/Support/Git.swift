import BalanceCore
import Foundation

/// Asks the git program about the work tree that a command runs in.
enum Git {
    /// The commit, branch and state; nothing where there is no repository.
    static func info() -> GitInfo {
        guard let commit = output(["rev-parse", "HEAD"]), let branch = output(["rev-parse", "--abbrev-ref", "HEAD"]),
            let status = output(["status", "--porcelain"])
        else { return GitInfo() }
        return GitInfo(commit: commit, branch: branch, dirty: !status.isEmpty)
    }

    private static func output(_ arguments: [String]) -> String? {
        guard let (status, text) = try? Program.output("git", arguments), status == 0 else { return nil }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
