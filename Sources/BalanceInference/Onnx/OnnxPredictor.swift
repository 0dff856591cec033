import BalanceCore

/// An ONNX model: tensors for everyone, and rows where its inputs are a table's columns.
struct OnnxPredictor: Predictor {
    /// How rows become tensors.
    private enum Table {
        case matrix(TensorSpec, width: Int)
        case columns
        case none
    }

    /// What an answer to rows is read from.
    private enum Answer {
        case value(String)
        /// With the output that names the label, where there is one.
        case probabilities(String, label: String?)
        case none
    }

    let modelType: String
    let featureCount: Int
    private(set) var featureNames: [String]?
    let textFeatures: Set<Int>
    let classes: [String]
    let labelType: LabelType
    let hasProbabilities: Bool
    let acceptsMissing: Bool
    let signature: ModelSignature
    var acceptsInfinite: Bool { acceptsMissing }

    private let session: OnnxSession
    private let table: Table
    private let answer: Answer

    /// - Throws: `Failure` with code `modelNotReadable`, with the command that installs the library where it is missing.
    init(_ bytes: [UInt8]) throws {
        let file = try OnnxFile(bytes)
        let loops: Set<String> = ["Loop", "Scan", "If"]
        let session = try OnnxSession(bytes, hasLoops: !file.operators.isDisjoint(with: loops))
        self.session = session
        modelType = "ONNX"
        // The library never refuses NaN; a row whose answer is not finite is refused behind it.
        acceptsMissing = session.inputs.allSatisfy { $0.type == .float32 || $0.type == .float64 }
        let table = Self.table(session.inputs)
        var labels = file.labels
        var labelType = file.labelType
        var outputs = session.outputs.map(\.spec)
        // Only an answer tells which labels the maps have; it is also a first trial of the model.
        if let place = session.outputs.firstIndex(where: \.isMap), let trial = Self.trial(session.inputs),
            let found = try session.labels(of: outputs[place].name, answering: trial)
        {
            (labels, labelType) = Self.labels(found)
            outputs[place].shape = [-1, found.count]
        }
        signature = ModelSignature(inputs: session.inputs, outputs: outputs)
        let (answer, classes) = Self.answer(outputs, labels)
        self.answer = answer
        self.classes = classes
        self.labelType = labelType
        hasProbabilities = !classes.isEmpty
        if case .none = answer {
            (self.table, featureCount, featureNames, textFeatures) = (.none, 0, nil, [])
            return
        }
        self.table = table
        switch table {
        case .none: (featureCount, featureNames, textFeatures) = (0, nil, [])
        case .matrix(let spec, let width):
            (featureCount, featureNames) = (width, nil)
            textFeatures = spec.type == .bytes ? Set(0..<width) : []
        case .columns:
            (featureCount, featureNames) = (session.inputs.count, session.inputs.map(\.name))
            textFeatures = Set(session.inputs.indices.filter { session.inputs[$0].type == .bytes })
        }
    }

    private static func table(_ inputs: [TensorSpec]) -> Table {
        if inputs.count == 1, inputs[0].shape.count == 2, inputs[0].shape[1] > 0, inputs[0].shape[1] < 1 << 20 {
            return .matrix(inputs[0], width: inputs[0].shape[1])
        }
        let isTable = inputs.allSatisfy { $0.shape.count == 1 || ($0.shape.count == 2 && $0.shape[1] == 1) }
        return isTable && !inputs.isEmpty ? .columns : .none
    }

    /// A probability for each of several labels, or one value.
    private static func answer(_ outputs: [TensorSpec], _ labels: [String]?) -> (Answer, [String]) {
        let floats = outputs.filter { $0.type == .float32 || $0.type == .float64 }
        if outputs.count == 1, let only = floats.first, only.shape.count == 1 || only.shape.last == 1 {
            return (.value(only.name), [])
        }
        guard let table = floats.first(where: { $0.shape.count == 2 && ($0.shape[1] > 1 || $0.shape[1] == -1) }) else {
            return (.none, [])
        }
        let width = table.shape[1] == -1 ? labels?.count ?? 0 : table.shape[1]
        guard (2...100_000).contains(width) else { return (.none, []) }
        let classes = labels?.count == width ? labels ?? [] : (0..<width).map(String.init)
        let label = outputs.first { $0.shape.count == 1 && [.int64, .int32, .bytes].contains($0.type) }
        return (.probabilities(table.name, label: label?.name), classes)
    }

    /// One row of zeros, or nil where a dimension besides the first is free.
    private static func trial(_ inputs: [TensorSpec]) -> [Tensor]? {
        var tensors: [Tensor] = []
        for input in inputs {
            let shape = input.shape.enumerated().map { $0.offset == 0 && $0.element == -1 ? 1 : $0.element }
            guard let count = Tensor.count(of: shape), count < 1 << 24 else { return nil }
            tensors.append(
                input.type.size.map {
                    Tensor(input.name, input.type, shape, bytes: [UInt8](repeating: 0, count: count * $0))
                } ?? Tensor(input.name, shape, texts: [[UInt8]](repeating: [], count: count))
            )
        }
        return tensors
    }

    private static func labels(_ tensor: Tensor) -> ([String], LabelType) {
        if tensor.type == .bytes { return (tensor.texts.map { String(decoding: $0, as: UTF8.self) }, .text) }
        return (tensor.doubles.map { String(Int(exactly: $0) ?? 0) }, .int)
    }

    func naming(_ names: [String]) -> any Predictor {
        guard case .matrix = table, names.count == featureCount, Set(names).count == names.count else { return self }
        var named = self
        named.featureNames = names
        return named
    }

    func outputs(_ row: [Double]) throws -> [Double] { try outputs(of: [row.map(Cell.number)])[0] }

    func outputs(of rows: [[Cell]]) throws -> [[Double]] {
        switch answer {
        case .value(let name):
            let values = try session.run(tensors(rows), outputs: [name])[0].doubles
            guard values.count == rows.count else { throw OnnxLibrary.failure("'\(name)' has a wrong shape") }
            return values.map { [$0] }
        case .probabilities(let name, let label):
            let found = try session.run(tensors(rows), outputs: [name] + (label.map { [$0] } ?? []))
            let (flat, width) = (found[0].doubles, classes.count)
            guard flat.count == rows.count * width else { throw OnnxLibrary.failure("'\(name)' has a wrong shape") }
            let choices = try found.count > 1 ? choices(found[1], rows.count) : []
            return rows.indices.map {
                Array(flat[$0 * width..<($0 + 1) * width]) + (choices.isEmpty ? [] : [choices[$0]])
            }
        case .none: throw Failure(.invalidArgument, "this model takes tensors, not rows of features")
        }
    }

    /// The places of the labels that the graph chooses, which need not be those of the largest probabilities.
    private func choices(_ tensor: Tensor, _ count: Int) throws -> [Double] {
        let labels =
            tensor.type == .bytes
            ? tensor.texts.map { String(decoding: $0, as: UTF8.self) }
            : tensor.doubles.map { Int(exactly: $0).map(String.init) ?? "" }
        guard labels.count == count else { throw OnnxLibrary.failure("'\(tensor.name)' has a wrong shape") }
        return try labels.enumerated().map { row, label in
            if let place = classes.firstIndex(of: label) { return Double(place) }
            var refusal = RowRefusal(
                column: nil,
                reason: "the graph returned '\(label.prefix(60))', which is not one of its classes"
            )
            refusal.row = row
            throw refusal
        }
    }

    var answersByOutput: Bool { true }

    /// All outputs, as MLflow's `pyfunc` answers a table.
    func scoringOutputs(of rows: [[Cell]]) throws -> [ScoringOutput]? {
        let maps = Set(session.outputs.filter(\.isMap).map(\.spec.name))
        return try session.run(tensors(rows), outputs: signature.outputs.map(\.name)).map { output in
            guard output.shape.first == rows.count else {
                throw OnnxLibrary.failure("'\(output.name)' has a wrong shape")
            }
            return ScoringOutput(tensor: output, labels: maps.contains(output.name) ? classes : nil)
        }
    }

    private func tensors(_ rows: [[Cell]]) throws -> [Tensor] {
        switch table {
        case .matrix(let spec, let width):
            return [try tensor(spec, [rows.count, width], rows.flatMap { $0 })]
        case .columns:
            return try session.inputs.enumerated().map { index, spec in
                try tensor(spec, spec.shape.count == 1 ? [rows.count] : [rows.count, 1], rows.map { $0[index] })
            }
        case .none: return []
        }
    }

    private func tensor(_ spec: TensorSpec, _ shape: [Int], _ cells: [Cell]) throws -> Tensor {
        if spec.type == .bytes {
            return Tensor(
                spec.name,
                shape,
                texts: cells.map { if case .text(let text) = $0 { Array(text.utf8) } else { [] } }
            )
        }
        let numbers = cells.map(\.code)
        if spec.type == .float32 {
            return Tensor(spec.name, .float32, shape, bytes: numbers.map(Float.init).withUnsafeBytes { Array($0) })
        }
        if spec.type == .float64 { return Tensor(spec.name, shape, numbers) }
        return try Self.whole(spec, shape, numbers)
    }

    private static func whole(_ spec: TensorSpec, _ shape: [Int], _ numbers: [Double]) throws -> Tensor {
        func bytes<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type) throws -> [UInt8] {
            try numbers.map { number in
                guard let value = Value(exactly: number) else {
                    throw Failure(.invalidParameter, "'\(spec.name)' takes \(spec.type.rawValue), not \(number)")
                }
                return value
            }.withUnsafeBytes { Array($0) }
        }
        let found: [UInt8]
        switch spec.type {
        case .int64: found = try bytes(Int64.self)
        case .int32: found = try bytes(Int32.self)
        case .int16: found = try bytes(Int16.self)
        case .int8: found = try bytes(Int8.self)
        case .uint64: found = try bytes(UInt64.self)
        case .uint32: found = try bytes(UInt32.self)
        case .uint16: found = try bytes(UInt16.self)
        case .uint8, .bool: found = try bytes(UInt8.self)
        default: throw Failure(.invalidParameter, "'\(spec.name)' takes \(spec.type.rawValue), not possible in rows")
        }
        return Tensor(spec.name, spec.type, shape, bytes: found)
    }

    func infer(_ inputs: [Tensor], outputs wanted: [String]) throws -> [Tensor] {
        for input in inputs { try check(input) }
        let given = try signature.inputs.map { spec in
            let found = inputs.filter { $0.name.utf8.elementsEqual(spec.name.utf8) }
            guard found.count == 1 else {
                throw Self.refusal("\(found.isEmpty ? "missing" : "duplicate") input '\(spec.name)'")
            }
            return found[0]
        }
        let names = wanted.isEmpty ? signature.outputs.map(\.name) : wanted
        for name in names where !signature.outputs.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
            throw Self.refusal("the model has no output '\(name)'; its outputs are \(signature.outputs.map(\.name))")
        }
        guard Set(names).count == names.count else { throw Self.refusal("duplicate output in the request") }
        return try session.run(given, outputs: names)
    }

    private func check(_ input: Tensor) throws {
        guard let spec = signature.inputs.first(where: { $0.name.utf8.elementsEqual(input.name.utf8) }) else {
            throw Self.refusal("the model has no input '\(input.name)'; its inputs are \(signature.inputs.map(\.name))")
        }
        guard input.type == spec.type else {
            throw Self.refusal(
                "input '\(input.name)' is \(input.type.rawValue); the model takes \(spec.type.rawValue)"
            )
        }
        let fits =
            input.shape.count == spec.shape.count && zip(input.shape, spec.shape).allSatisfy { $1 < 0 || $0 == $1 }
        guard fits else {
            throw Self.refusal("input '\(input.name)' has shape \(input.shape); the model takes \(spec.shape)")
        }
    }

    private static func refusal(_ message: String) -> Failure { Failure(.invalidParameter, message) }
}
