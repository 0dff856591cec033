import Foundation

/// A clock that only goes on, for measuring how long something took.
package enum Monotonic {
    /// Nanoseconds since a moment of its own.
    package static func now() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(clamping: now.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: now.tv_nsec)
    }
}
