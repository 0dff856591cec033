import Synchronization

/// Bytes that may be held at once.
package final class ByteBudget: Sendable {
    private let limit: Int
    private let used = Atomic<Int>(0)

    package init(limit: Int) { self.limit = limit }

    package func take(_ count: Int) -> Bool {
        let (_, now) = used.add(count, ordering: .relaxed)
        if now <= limit { return true }
        used.subtract(count, ordering: .relaxed)
        return false
    }

    package func give(_ count: Int) { if count > 0 { used.subtract(count, ordering: .relaxed) } }

    /// Bytes that are held at the moment.
    package var held: Int { used.load(ordering: .relaxed) }
}
