package import BalanceCore
import Foundation

/// What to load and how: `{kind, name, params, split, note}`.
package struct DatasetSpec: Sendable {
    package var kind: String
    package var name: String?
    /// What the loader of this kind needs.
    package var params: JSONValue
    package var split: JSONValue
    package var note: String?

    package init(kind: String, name: String?, params: JSONValue, split: JSONValue = .object([]), note: String? = nil) {
        self.kind = kind
        self.name = name
        self.params = params
        self.split = split
        self.note = note
    }

    /// A CSV file with the settings of the command line.
    package static func csv(
        path: String,
        target: String,
        name: String?,
        separator: String,
        oneHot: Bool,
        dropMissing: Bool
    ) -> DatasetSpec {
        DatasetSpec(
            kind: "csv",
            name: name,
            params: .object([
                ("path", .string(path)), ("target_col", .string(target)), ("one_hot", .bool(oneHot)),
                ("dropna", .bool(dropMissing)), ("sep", .string(separator)),
            ])
        )
    }

    /// Reads a spec's JSON file.
    package init(contentsOf path: String) throws {
        let data = try DataFile.read(path, what: "the dataset spec")
        let value: JSONValue
        do {
            value = try JSONValue(parsing: Array(data.starts(with: [0xEF, 0xBB, 0xBF]) ? data.dropFirst(3) : data))
        } catch {
            throw Failure(.datasetInvalid, "\(path) is not valid JSON: \(error.message) at byte \(error.offset)")
        }
        guard value.members != nil else { throw Failure(.datasetInvalid, "\(path) must be a JSON object") }
        self.init(
            kind: value["kind"]?.string ?? "",
            name: value["name"]?.string,
            params: Self.found(value["params"] ?? .object([]), besides: path),
            split: value["split"] ?? .object([]),
            note: value["note"]?.string
        )
    }

    /// The parameters, with the path of a file that is not below the working folder but beside the spec.
    private static func found(_ params: JSONValue, besides spec: String) -> JSONValue {
        guard let path = params["path"]?.string, !path.hasPrefix("/"), !FileManager.default.fileExists(atPath: path)
        else { return params }
        let folder = URL(fileURLWithPath: spec).deletingLastPathComponent()
        let beside = folder.appendingPathComponent(path).path
        guard FileManager.default.fileExists(atPath: beside) else { return params }
        return .object((params.members ?? []).map { $0.0 == "path" ? ($0.0, .string(beside)) : $0 })
    }

    package var json: JSONValue {
        .object([
            ("kind", .string(kind)), ("name", .optional(name)), ("params", params), ("split", split),
            ("note", .optional(note)),
        ])
    }

    /// Loads the data with the loader that is registered for the kind.
    package func load() throws -> Dataset {
        let kind = kind.trimmingCharacters(in: .whitespaces).lowercased()
        guard let loader = Self.loaders[kind] else {
            let known = Self.loaders.keys.sorted().joined(separator: ", ")
            throw Failure(.datasetInvalid, "unknown dataset kind: '\(kind)' (known: \(known))")
        }
        var dataset = try loader(self)
        dataset.meta += [
            ("dataset_kind", .string(kind)), ("dataset_name", .string(name ?? kind)), ("dataset_spec", json),
        ]
        return dataset
    }

    private static let loaders: [String: @Sendable (DatasetSpec) throws -> Dataset] = [
        "csv": { try CSVDataset(params: $0.params).load() }
    ]
}

/// Numbers to train on.
package struct Dataset: Sendable {
    package var features: Matrix
    /// 0 or 1 for each row.
    package var target: [Int]
    package var featureNames: [String]
    /// Where the data came from, for the run's record.
    package var meta: [(String, JSONValue)]

    package init(features: Matrix, target: [Int], featureNames: [String], meta: [(String, JSONValue)]) {
        self.features = features
        self.target = target
        self.featureNames = featureNames
        self.meta = meta
    }
}
