/// How a model of rows answers tensors: one tensor of all features, or one for each feature by its name.
package struct TabularInference: Sendable {
    private let model: any Predictor

    /// The names of the tensors.
    package static let input = "input"
    package static let label = "label"
    package static let probabilities = "probabilities"
    package static let value = "value"

    package init(_ model: any Predictor) { self.model = model }

    /// The tensors of a model of rows.
    package var signature: ModelSignature {
        ModelSignature(inputs: takesColumns ? columns : [whole], outputs: outputs)
    }

    /// Texts beside numbers do not fit into one tensor.
    private var takesColumns: Bool { !model.textFeatures.isEmpty && model.featureNames != nil }

    private var whole: TensorSpec {
        TensorSpec(Self.input, model.textFeatures.isEmpty ? .float64 : .bytes, [-1, model.featureCount])
    }

    private var columns: [TensorSpec] {
        (model.featureNames ?? []).enumerated().map { index, name in
            TensorSpec(name, model.textFeatures.contains(index) ? .bytes : .float64, [-1, 1])
        }
    }

    private var outputs: [TensorSpec] {
        if model.classes.isEmpty { return [TensorSpec(Self.value, .float64, [-1])] }
        let label = TensorSpec(Self.label, labelTensorType, [-1])
        guard model.hasProbabilities else { return [label] }
        return [label, TensorSpec(Self.probabilities, .float64, [-1, model.classes.count])]
    }

    private var labelTensorType: TensorType {
        switch model.labelType {
        case .int: .int64
        case .double: .float64
        case .bool: .bool
        case .text: .bytes
        }
    }

    /// - Throws: `Failure` with code `invalidParameter` that names what does not fit.
    package func infer(_ inputs: [Tensor], outputs wanted: [String]) throws -> [Tensor] {
        let names = wanted.isEmpty ? outputs.map(\.name) : wanted
        for name in names where !outputs.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
            throw Self.refusal("the model has no output '\(name)'; its outputs are \(outputs.map(\.name))")
        }
        guard Set(names).count == names.count else { throw Self.refusal("duplicate output in the request") }
        let rows = try rows(inputs)
        let answers: [[Double]]
        do {
            answers = try model.outputs(of: rows)
        } catch let refusal as RowRefusal {
            let place = refusal.column.map { ", \(Self.name(of: $0, model))" } ?? ""
            throw Self.refusal("row \(refusal.row)\(place): \(refusal.reason)")
        }
        if let row = answers.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) {
            throw Self.refusal("row \(row): the model's answer to this row is not a finite number")
        }
        return names.map { tensor($0, answers) }
    }

    private static func name(of column: Int, _ model: any Predictor) -> String {
        model.featureNames.map { "'\($0[column])'" } ?? "feature \(column)"
    }

    private func tensor(_ name: String, _ answers: [[Double]]) -> Tensor {
        switch name {
        case Self.value: return Tensor(name, [answers.count], answers.map { $0[0] })
        case Self.probabilities:
            return Tensor(
                name,
                [answers.count, model.classes.count],
                answers.flatMap { $0.prefix(model.classes.count) }
            )
        default: return labels(name, answers.map(model.choice))
        }
    }

    /// The place of the first largest output.
    package static func best(_ outputs: [Double]) -> Int {
        var best = 0
        for index in outputs.indices where outputs[index] > outputs[best] { best = index }
        return best
    }

    private func labels(_ name: String, _ chosen: [Int]) -> Tensor {
        let shape = [chosen.count]
        let classes = model.classes
        switch model.labelType {
        case .int:
            let values = chosen.map { Int64(classes[$0]) ?? 0 }
            return Tensor(name, .int64, shape, bytes: values.withUnsafeBytes { Array($0) })
        case .double: return Tensor(name, shape, chosen.map { Double(classes[$0]) ?? .nan })
        case .bool: return Tensor(name, .bool, shape, bytes: chosen.map { classes[$0] == "True" ? 1 : 0 })
        case .text: return Tensor(name, shape, texts: chosen.map { Array(classes[$0].utf8) })
        }
    }

    private func rows(_ inputs: [Tensor]) throws -> [[Cell]] {
        if inputs.count == 1, inputs[0].name == Self.input || model.featureNames == nil {
            guard inputs[0].name == Self.input else { throw unknown(inputs[0].name) }
            return try rows(whole: inputs[0])
        }
        guard let names = model.featureNames else {
            throw Self.refusal("the model takes one input, '\(Self.input)', not \(inputs.count)")
        }
        for input in inputs where !names.contains(where: { $0.utf8.elementsEqual(input.name.utf8) }) {
            throw unknown(input.name)
        }
        return try rows(columns: names, inputs)
    }

    private func unknown(_ name: String) -> Failure {
        let first = model.featureNames?.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
        let columns = first.map { ", or each of \($0) by its name" } ?? ""
        return Self.refusal("the model has no input '\(name)'; it takes '\(Self.input)' of \(whole.shape)\(columns)")
    }

    /// The most cells of a request, so that a small body cannot ask for much memory.
    private static let maximumCells = 1 << 24

    private func checkSize(_ rows: Int) throws {
        let (cells, overflow) = rows.multipliedReportingOverflow(by: model.featureCount)
        guard !overflow, cells <= Self.maximumCells else {
            throw Self.refusal(
                "\(rows) rows of \(model.featureCount) features are more than \(Self.maximumCells) cells"
            )
        }
    }

    private func rows(whole input: Tensor) throws -> [[Cell]] {
        let width = model.featureCount
        guard input.shape.count == 2, input.shape[1] == width else {
            throw Self.refusal("input '\(input.name)' has shape \(input.shape); the model takes [-1, \(width)]")
        }
        try checkSize(input.shape[0])
        let columns = Array(0..<width)
        let cells = try cells(input) { columns[$0 % width] }
        return (0..<input.shape[0]).map { Array(cells[$0 * width..<($0 + 1) * width]) }
    }

    private func rows(columns names: [String], _ inputs: [Tensor]) throws -> [[Cell]] {
        let count = inputs.first?.shape.first ?? 0
        for input in inputs where input.shape != [count] && input.shape != [count, 1] {
            let wanted = "[\(count), 1], like the first input"
            throw Self.refusal("input '\(input.name)' has shape \(input.shape); the model takes \(wanted)")
        }
        try checkSize(count)
        var columns: [[Cell]] = []
        for (index, name) in names.enumerated() {
            let found = inputs.filter { $0.name.utf8.elementsEqual(name.utf8) }
            guard found.count < 2 else { throw Self.refusal("duplicate input '\(name)'") }
            guard let input = found.first else {
                guard model.acceptsMissing || model.ignoredFeatures.contains(index) else {
                    throw Self.refusal("missing input '\(name)'")
                }
                columns.append([Cell](repeating: .number(.nan), count: count))
                continue
            }
            columns.append(try cells(input) { _ in index })
        }
        return (0..<count).map { row in columns.map { $0[row] } }
    }

    /// The elements as cells, each checked against its feature.
    private func cells(_ input: Tensor, column: (Int) -> Int) throws -> [Cell] {
        if input.type == .bytes {
            return try input.texts.enumerated().map { index, text in
                let place = column(index)
                guard model.textFeatures.contains(place) || model.ignoredFeatures.contains(place) else {
                    throw Self.refusal("input '\(input.name)' has texts where the model takes numbers")
                }
                return .text(String(decoding: text, as: UTF8.self))
            }
        }
        return try input.doubles.enumerated().map { index, number in
            let place = column(index)
            guard !model.textFeatures.contains(place) || number.isNaN else {
                let name = Self.name(of: place, model)
                throw Self.refusal("input '\(input.name)' has numbers where the model takes texts: \(name)")
            }
            if !model.ignoredFeatures.contains(place), let reason = model.complaint(about: number) {
                throw Self.refusal("'\(input.name)', row \(index / (input.shape.last ?? 1)): \(reason)")
            }
            return .number(number)
        }
    }

    private static func refusal(_ message: String) -> Failure { Failure(.invalidParameter, message) }
}

extension Predictor {
    /// Why the model does not take a number; nil where it does.
    package func complaint(about number: Double) -> String? {
        if number.isNaN, !acceptsMissing { return "the model takes no missing values (NaN)" }
        if number.isInfinite, !acceptsInfinite { return "the model takes no infinite numbers" }
        return nil
    }

    package var signature: ModelSignature { TabularInference(self).signature }

    package func infer(_ inputs: [Tensor], outputs wanted: [String]) throws -> [Tensor] {
        try TabularInference(self).infer(inputs, outputs: wanted)
    }
}
