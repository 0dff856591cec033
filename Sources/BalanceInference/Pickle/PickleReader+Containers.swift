import BalanceCore

/// The stack, the memo, and the lists and dicts on it.
extension PickleReader {
    mutating func append(_ items: [Int]) throws {
        let target = try top()
        guard case .list(var list) = nodes[target] else { throw damaged("elements for an object that is not a list") }
        nodes[target] = .none  // so that the list is not copied
        list.append(contentsOf: items)
        nodes[target] = .list(list)
    }

    mutating func setItems(_ items: [Int]) throws {
        let target = try top()
        guard case .dict(var dict) = nodes[target] else { throw damaged("items for an object that is not a dict") }
        nodes[target] = .none
        dict.append(contentsOf: try pairs(items))
        nodes[target] = .dict(dict)
    }

    func pairs(_ items: [Int]) throws -> [(key: Int, value: Int)] {
        guard items.count.isMultiple(of: 2) else { throw damaged("a key without a value") }
        return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    }

    mutating func recall(_ key: Int) throws {
        guard let index = memo[key] else { throw damaged("a dangling reference") }
        try push(index)
    }

    mutating func remember(_ key: Int) throws {
        guard memo.count < Self.maximumNodes else { throw tooManyObjects }
        memo[key] = try top()
    }

    mutating func mark() throws {
        guard marks.count < Self.maximumNodes else { throw tooManyObjects }
        marks.append(stack.count)
    }

    mutating func spend(_ amount: Int) throws {
        effort += amount
        guard effort <= input.count + 1 << 24 else {
            throw unsupported("the file requires more work than its size allows")
        }
    }

    mutating func push(_ node: ObjectNode) throws {
        guard nodes.count < Self.maximumNodes else { throw tooManyObjects }
        nodes.append(node)
        try push(nodes.count - 1)
    }

    mutating func push(_ index: Int) throws {
        guard stack.count < Self.maximumNodes else { throw tooManyObjects }
        stack.append(index)
    }

    var tooManyObjects: Failure {
        unsupported("the file has more than \(Self.maximumNodes) objects")
    }

    func top() throws -> Int {
        guard let last = stack.last, stack.count > (marks.last ?? 0) else { throw damaged("the stack is empty") }
        return last
    }

    mutating func pop() throws -> Int {
        let index = try top()
        stack.removeLast()
        return index
    }

    mutating func pop(count: Int) throws -> [Int] {
        guard stack.count - (marks.last ?? 0) >= count else { throw damaged("the stack is empty") }
        let items = Array(stack.suffix(count))
        stack.removeLast(count)
        return items
    }

    mutating func popToMark() throws -> [Int] {
        guard let mark = marks.popLast(), mark <= stack.count else { throw damaged("a mark is missing") }
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }
}
