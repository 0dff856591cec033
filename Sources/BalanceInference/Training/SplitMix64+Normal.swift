package import BalanceCore
import Foundation

extension SplitMix64 {
    package init(seed: Int) { self.init(seed: UInt64(bitPattern: Int64(seed))) }

    /// A number in [0, 1).
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number of the standard normal distribution (Box and Muller).
    package mutating func normal() -> Double {
        let radius = sqrt(-2 * log(1 - uniform()))
        return radius * cos(2 * .pi * uniform())
    }
}
