import BalanceCore
import Crypto
import Foundation

/// A term that rows are sorted by.
struct SortTerm {
    var sql: String
    var arguments: [SQLValue] = []
    var isAscending = true

    /// The terms that put rows without the value last, in both directions.
    static func missingLast(_ sql: String, _ arguments: [SQLValue] = [], isAscending: Bool) -> [SortTerm] {
        [
            SortTerm(sql: "CASE WHEN \(sql) IS NULL THEN 1 ELSE 0 END", arguments: arguments),
            SortTerm(sql: sql, arguments: arguments, isAscending: isAscending),
        ]
    }
}

/// A query whose answer comes in pages.
///
/// A page goes on behind the sort values of the last row that was seen, so rows that are added or removed meanwhile
/// neither repeat nor hide others. The last term must tell all rows apart.
struct PagedSQL {
    var columns: String
    /// Tables with joins.
    var source: String
    var condition: String
    var arguments: [SQLValue]
    var order: [SortTerm]
    /// Whether the sort terms are the columns of an index, all ascending and none NULL: a place is sought in it then.
    var isAlongIndex = false
    /// What tells the search from others, where that is another one's.
    var identity: String?

    /// The rows of a page by a quicker way to the same rows, where that finds enough of them.
    func page(
        limit: Int,
        after: String?,
        trying quick: PagedSQL?,
        _ connection: any SQLConnection
    ) throws -> Page<SQLRow> {
        if let quick {
            let page = try quick.page(limit: limit, after: after, connection)
            if page.next != nil { return page }
        }
        return try page(limit: limit, after: after, connection)
    }

    /// The rows of a page, with the columns first.
    func page(limit: Int, after: String?, offset: Int = 0, _ connection: any SQLConnection) throws -> Page<SQLRow> {
        let (sql, values) = try query(limit: limit + 1, after: after, offset: offset)
        var rows = try connection.freshRows(sql, values)
        guard rows.count > limit, let last = rows.dropLast().last else { return Page(items: rows) }
        rows.removeLast()
        return Page(items: rows, next: Self.text(Array(last.values.suffix(order.count)), search: fingerprint))
    }

    /// The statement for so many rows behind a place.
    func query(limit: Int, after: String?, offset: Int = 0) throws -> (sql: String, values: [SQLValue]) {
        let keys = order.indices.map { "(\(order[$0].sql)) AS k\($0)" }.joined(separator: ", ")
        var sql = "SELECT * FROM (SELECT \(columns), \(keys) FROM \(source) WHERE \(condition)"
        var values = order.flatMap(\.arguments) + arguments
        if let after, isAlongIndex {
            let places = repeatElement("?", count: order.count).joined(separator: ", ")
            sql += " AND (\(order.map(\.sql).joined(separator: ", "))) > (\(places))"
            values += try Self.values(of: after, search: fingerprint, count: order.count)
        }
        sql += ") AS q"
        if let after, !isAlongIndex {
            let (place, bound) = try behind(Self.values(of: after, search: fingerprint, count: order.count))
            sql += " WHERE \(place)"
            values += bound
        }
        let sorting = order.indices.map { "k\($0) \(order[$0].isAscending ? "ASC" : "DESC")" }
        sql += " ORDER BY \(sorting.joined(separator: ", ")) LIMIT ?"
        guard offset > 0 else { return (sql, values + [.integer(limit)]) }
        return (sql + " OFFSET ?", values + [.integer(limit), .integer(offset)])
    }

    /// The condition that a row stands behind one with these sort values.
    private func behind(_ values: [SQLValue]) throws -> (String, [SQLValue]) {
        var alternatives: [String] = []
        var bound: [SQLValue] = []
        for index in order.indices where values[index] != .null {
            let same = (0..<index).map { "k\($0) IS NOT DISTINCT FROM ?" }
            let beyond = "k\(index) \(order[index].isAscending ? ">" : "<") ?"
            alternatives.append("(\((same + [beyond]).joined(separator: " AND ")))")
            bound += values[...index]
        }
        // No row has nothing but missing values, as the last one tells rows apart.
        guard !alternatives.isEmpty else { throw Failure(.invalidParameter, "Invalid page token") }
        return ("(\(alternatives.joined(separator: " OR ")))", bound)
    }

    /// Tells a search from others, so that a place of one is not taken for a place of another.
    var fingerprint: String {
        if let identity { return identity }
        let text = "\(order.map { "\($0.sql)\($0.isAscending)\($0.arguments)" })\(condition)\(arguments)"
        return SHA256.hash(data: Data(text.utf8)).prefix(6).hexadecimal
    }

    private static func text(_ values: [SQLValue], search: String) -> String {
        JSONValue.array([.string(search)] + values.map(\.place)).text()
    }

    private static func values(of text: String, search: String, count: Int) throws -> [SQLValue] {
        let parts = (try? JSONValue(parsing: text))?.elements ?? []
        guard parts.first?.string == search, parts.count == count + 1 else {
            throw Failure(.invalidParameter, "Invalid page token: it belongs to a different search")
        }
        return try parts.dropFirst().map(SQLValue.init(place:))
    }
}

extension SQLValue {
    /// The value as a part of a page's place: exact, with its type.
    fileprivate var place: JSONValue {
        switch self {
        case .null: .null
        case .integer(let number): .int(number)
        case .real(let number): .array([.string(String(number.bitPattern, radix: 16))])
        case .text(let text): .string(text)
        case .blob(let bytes): .string(bytes.hexadecimal)
        }
    }

    fileprivate init(place: JSONValue) throws {
        if place.isNull {
            self = .null
        } else if let number = place.integer {
            self = .integer(number)
        } else if let text = place.string {
            self = .text(text)
        } else if let text = place.elements?.first?.string, let bits = UInt64(text, radix: 16) {
            self = .real(Double(bitPattern: bits))
        } else {
            throw Failure(.invalidParameter, "Invalid page token, could not base64-decode")
        }
    }
}
