/// A column or a group of columns in the schema of a Parquet file.
struct ParquetElement {
    private(set) var name = ""
    private(set) var children = 0
    /// 0 required, 1 optional, 2 repeated.
    private(set) var repetition = 0
    private var physical: Int?
    private var converted: Int?
    private var logical: Int?

    init(_ reader: inout ThriftReader) throws(ThriftReader.Malformed) {
        var element = Self()
        try reader.structure(depth: 1) { reader, field, type throws(ThriftReader.Malformed) in
            switch (field, type) {
            case (1, .int32): element.physical = try reader.integer()
            case (3, .int32): element.repetition = try reader.integer()
            case (4, .binary): element.name = try reader.text()
            case (5, .int32): element.children = try reader.integer()
            case (6, .int32): element.converted = try reader.integer()
            case (10, .structure):
                try reader.structure(depth: 2) { _, kind, _ throws(ThriftReader.Malformed) in
                    element.logical = kind
                    return false
                }
            default: return false
            }
            return true
        }
        guard element.children >= 0 else { throw ThriftReader.Malformed() }
        self = element
    }

    private init() {}

    /// What the values mean, or else how they are stored.
    var typeName: String {
        Self.name(logical, Self.logicalNames) ?? Self.name(converted, Self.convertedNames)
            ?? Self.name(physical, Self.physicalNames) ?? "unknown"
    }

    private static func name(_ index: Int?, _ names: [String]) -> String? {
        guard let index, names.indices.contains(index), !names[index].isEmpty else { return nil }
        return names[index]
    }

    private static let physicalNames = [
        "boolean", "int32", "int64", "int96", "float", "double", "byte_array", "fixed_len_byte_array",
    ]

    /// By the numbers of `ConvertedType`.
    private static let convertedNames = [
        "string", "map", "map", "list", "enum", "decimal", "date", "time", "time", "timestamp", "timestamp", "uint8",
        "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "json", "bson", "interval",
    ]

    /// By the fields of `LogicalType`; an integer's width is in the converted type.
    private static let logicalNames = [
        "", "string", "map", "list", "enum", "decimal", "date", "time", "timestamp", "", "", "null", "json", "bson",
        "uuid", "float16", "variant", "geometry", "geography",
    ]
}
