import Foundation

/// The thread that asks.
package enum CurrentThread {
    /// A number that is the same for a thread as long as it lives, and most likely another one for each.
    package static var number: Int {
        // The stacks of threads are blocks of at least 64 KiB; the bits above tell them apart.
        #if canImport(Darwin)
        let identity = UInt(bitPattern: pthread_self())
        #else
        let identity = UInt(pthread_self())
        #endif
        return Int(bitPattern: ((identity >> 12) ^ (identity >> 21)) & 0xFFFF)
    }
}
