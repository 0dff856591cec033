import Synchronization

/// Bytes that may be held at once.
package final class ByteBudget: Sendable {
    private let limit: Int
    private let used = Atomic<Int>(0)

    package init(limit: Int) { self.limit = limit }

    /// Takes what is left; whoever holds all that is taken, `own`, may take more than the limit: one large thing at a time.
    package func take(_ count: Int, besides own: Int? = nil) -> Bool {
        let (_, now) = used.add(count, ordering: .relaxed)
        if now <= limit || own.map({ now == $0 + count }) == true { return true }
        used.subtract(count, ordering: .relaxed)
        return false
    }

    package func give(_ count: Int) { if count > 0 { used.subtract(count, ordering: .relaxed) } }
}
