import BalanceCore
import BalanceInference
import BalanceTestSupport
import Foundation
import Testing

struct CSVDatasetTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func load(_ text: String, target: String = "y", _ more: [(String, JSONValue)] = []) throws -> Dataset {
        let path = try folder.write(text, to: "data.csv")
        let params = [("path", JSONValue.string(path)), ("target_col", .string(target))] + more
        return try DatasetSpec(kind: "csv", name: nil, params: .object(params)).load()
    }

    @Test func `text columns follow the numbers one by one with sorted values`() throws {
        let data = try load("city,age,flag,y\nSeoul,31,True,no\n\"Busan, South\",40,False,yes\nSeoul,22,True,no\n")
        #expect(data.featureNames == ["age", "flag", "city_Busan, South", "city_Seoul"])
        #expect(data.features[row: 1] == [40, 0, 1, 0])
        #expect(data.target == [0, 1, 0])
        let mapping = data.meta.first { $0.0 == "target_mapping" }?.1
        #expect(mapping?.text() == #"{"no":0,"yes":1}"#)
    }

    @Test func `rows with empty cells are dropped unless they are to be kept`() throws {
        let text = "a,b,y\n1,,0\n2,x,1\nNA,x,0\n3,z,0\n"
        #expect(try load(text).features.rows == 2)
        let failure = #expect(throws: Failure.self) { try load(text, target: "y", [("dropna", .bool(false))]) }
        #expect(failure?.message == "column 'a' has no finite number in row 3")
    }

    @Test(arguments: [
        ("a,y\n1,2\n3,1\n", "binary target required (0/1): 'y' contains 2.0"),
        ("a,y\n1,x\n3,z\n2,w\n", "binary target required: 'y' has 3 distinct values"),
        ("a,b\n1,2\n", "target_col not found"), ("a,y\n", "has no rows"), ("", "has no header"),
        ("a,a,y\n1,1,0\n", "duplicate column name"), ("a,y\n1,0\n1,2,3\n", "row 2 of"),
        ("a,y\n\"1,0\n", "a quote is not closed"), ("a,y\n\"1\"x,0\n", "is not valid CSV"),
        ("a,y\ninf,0\n1,1\n", "no finite number"),
        ("y\n1\n0\n", "has no column other than"), ("a,y\n,\n,\n", "every row"),
    ])
    func `bad data is refused with what is wrong`(text: String, message: String) throws {
        let failure = #expect(throws: Failure.self) { try load(text) }
        #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
    }

    @Test func `a column's type is told before rows are left out`() throws {
        // As in pandas: a boolean column with an empty cell, and a number column with one text, are texts.
        let flags = try load("flag,b,y\nTrue,1,0\nFalse,2,1\n,3,0\nTrue,4,1\n")
        #expect(flags.featureNames == ["b", "flag_False", "flag_True"])
        let mixed = try load("a,b,y\n1,1,0\n2,2,1\nx,,0\n")
        #expect(mixed.featureNames == ["b", "a_1", "a_2"])
    }

    @Test(arguments: [["y"], ["a", "a"]])
    func `the target and a column named twice are no features`(names: [String]) throws {
        let failure = #expect(throws: Failure.self) {
            try load("a,y\n1,0\n2,1\n", target: "y", [("feature_cols", .strings(names))])
        }
        #expect(failure?.message.contains("feature_cols") == true)
    }

    @Test func `a text column is named where it may not be encoded`() {
        let failure = #expect(throws: Failure.self) {
            try load("a,y\nx,0\nz,1\n", target: "y", [("one_hot", .bool(false))])
        }
        #expect(failure?.message == "column 'a' contains text")
    }

    @Test func `a Korean file is read in its encoding`() throws {
        let bytes: [UInt8] =
            Array("a,y\n1,".utf8) + [0xBF, 0xB9] + Array("\n2,".utf8) + [0xBE, 0xC6] + Array("\n".utf8)
        try Data(bytes).write(to: URL(fileURLWithPath: folder("korean.csv")))
        let params = JSONValue.object([("path", .string(folder("korean.csv"))), ("target_col", "y")])
        let failure = #expect(throws: Failure.self) { try DatasetSpec(kind: "csv", name: nil, params: params).load() }
        #expect(failure?.message.contains("not valid UTF-8") == true)
        let members = (params.members ?? []) + [("encoding", "cp949")]
        let data = try DatasetSpec(kind: "csv", name: nil, params: .object(members)).load()
        #expect(data.meta.first { $0.0 == "target_mapping" }?.1.text() == #"{"아":0,"예":1}"#)
    }

    @Test func `an unknown kind names the known ones`() {
        let failure = #expect(throws: Failure.self) { try DatasetSpec(kind: "sql", name: nil, params: .null).load() }
        #expect(failure?.message == "unknown dataset kind: 'sql' (known: csv)")
    }

    @Test func `other separators and chosen columns are followed`() throws {
        let text = "a;b;y\n1;2;0\n3;4;1\n"
        let data = try load(text, target: "y", [("sep", ";"), ("feature_cols", .strings(["b"]))])
        #expect(data.featureNames == ["b"])
        #expect(data.features.values == [2, 4])
    }
}
