/// A part of a list, and where the next part begins.
package struct Page<Element: Sendable>: Sendable {
    package var items: [Element]
    /// The place behind the last item, to be handed back as it is; nil where nothing follows.
    package var next: String?

    package init(items: [Element], next: String? = nil) {
        self.items = items
        self.next = next
    }

    package func map<Other>(_ transform: (Element) throws -> Other) rethrows -> Page<Other> {
        Page<Other>(items: try items.map(transform), next: next)
    }
}

/// What a search over things asks for.
package struct SearchQuery: Sendable {
    package var filter: SearchFilter?
    package var view: ViewType
    package var order: [SearchFilter.Order]
    package var limit: Int
    /// The place that an earlier page of the same search ended with.
    package var after: String?

    package init(
        filter: SearchFilter? = nil,
        view: ViewType = .activeOnly,
        order: [SearchFilter.Order] = [],
        limit: Int = 1000,
        after: String? = nil
    ) {
        self.filter = filter
        self.view = view
        self.order = order
        self.limit = limit
        self.after = after
    }
}
