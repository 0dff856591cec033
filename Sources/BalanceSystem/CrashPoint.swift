import Foundation

/// Places where a test kills the process, to see what is left; a release build has none.
package enum CrashPoint {
    /// Ends the process at once, as `kill -9` does, where `BALANCEOPS_CRASH_POINT` names this place.
    package static func reach(_ name: String) {
        #if DEBUG
        if ProcessInfo.processInfo.environment["BALANCEOPS_CRASH_POINT"] == name { kill(getpid(), SIGKILL) }
        #endif
    }
}
