package import BalanceCore
import Foundation

extension Timestamp {
    /// The wall clock's time.
    package static func now() -> Timestamp {
        Timestamp(milliseconds: Int((Date().timeIntervalSince1970 * 1000).rounded(.down)))
    }
}

extension RunID {
    /// A new random identity.
    package init() { self.init(native: UUID().uuidString.lowercased()) }
}
