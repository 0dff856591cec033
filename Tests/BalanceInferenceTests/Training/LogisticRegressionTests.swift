import BalanceCore
import BalanceInference
import BalanceTestSupport
import Testing

struct LogisticRegressionTests {
    @Test(arguments: [
        ("german_credit", 61, 452.326869984, 1.229714126, 1.236173605, 0.784),
        ("breast_cancer", 30, 37.758945962, 3.841608789, 0.214502717, 0.9877),
    ])
    func `real data is fitted to its optimum`(
        name: String,
        columns: Int,
        objective: Double,
        norm: Double,
        intercept: Double,
        accuracy: Double
    ) throws {
        let spec = try DatasetSpec(contentsOf: "examples/dataset_specs/\(name).json")
        let dataset = try spec.load()
        #expect(dataset.features.columns == columns)
        let result = try TabularTrainer.train(dataset, seed: 42, testSize: 0)
        let length = result.model.weights.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(abs(result.objective - objective) < 1e-6)
        #expect(abs(length - norm) < 1e-6)
        #expect(abs(result.model.intercept - intercept) < 1e-6)
        #expect(abs((result.metrics.value(of: "acc") ?? 0) - accuracy) < 1e-4)
    }

    @Test func `separable data and duplicate columns have one finite answer`() throws {
        let values = (0..<40).flatMap { row -> [Double] in [Double(row) - 20, Double(row) - 20, 7] }
        let dataset = dataset(values, columns: 3, target: (0..<40).map { $0 < 20 ? 0 : 1 })
        let result = try TabularTrainer.train(dataset, seed: 1, testSize: 0)
        #expect(result.model.weights.allSatisfy { $0.isFinite })
        #expect(abs(result.model.weights[0] - result.model.weights[1]) < 1e-9)
        #expect(abs(result.model.weights[2]) < 1e-12, "a constant column carries nothing")
        #expect(result.metrics.value(of: "acc") == 1)
    }

    @Test func `three rows are answered or refused and never NaN`() throws {
        let three = dataset([1, 2, 3], columns: 1, target: [0, 1, 1])
        let failure = #expect(throws: Failure.self) { try TabularTrainer.train(three, seed: 1, testSize: 0.2) }
        #expect(failure?.code == .trainingFailed)
        let all = try TabularTrainer.train(three, seed: 1, testSize: 0)
        #expect(all.model.weights.allSatisfy { $0.isFinite })
    }

    @Test(arguments: [[0, 0, 0, 0], [1, 1, 1, 1]])
    func `one class only is refused`(target: [Int]) {
        let failure = #expect(throws: Failure.self) {
            try TabularTrainer.train(dataset([1, 2, 3, 4], columns: 1, target: target), seed: 1, testSize: 0.25)
        }
        #expect(failure?.message.contains("only one class") == true)
    }

    @Test func `values too large to be squared are refused by the name of their column`() {
        let values = [1e300, -1e300, 1e300, 2]
        let failure = #expect(throws: Failure.self) {
            try TabularTrainer.train(dataset(values, columns: 1, target: [0, 1, 0, 1]), seed: 1, testSize: 0)
        }
        #expect(failure?.message.contains("'c0'") == true)
    }

    private func dataset(_ values: [Double], columns: Int, target: [Int]) -> Dataset {
        Dataset(
            features: Matrix(rows: target.count, columns: columns, values: values),
            target: target,
            featureNames: (0..<columns).map { "c\($0)" },
            meta: []
        )
    }
}

struct StratifiedSplitTests {
    @Test(arguments: [(100, 30, 0.2), (10, 3, 0.5), (6, 3, 0.2), (1000, 300, 0.333)])
    func `both parts hold both classes in proportion`(count: Int, positives: Int, testSize: Double) throws {
        let target = (0..<count).map { $0 < positives ? 1 : 0 }
        let split = try StratifiedSplit.split(target, testSize: testSize, seed: 7)
        #expect(Set(split.train).isDisjoint(with: split.test))
        #expect(split.train.count + split.test.count == count)
        #expect(split.test.count == Int((testSize * Double(count)).rounded(.up)))
        let share = Double(split.test.filter { target[$0] == 1 }.count) / Double(split.test.count)
        #expect(abs(share - Double(positives) / Double(count)) <= 1 / Double(split.test.count))
    }

    @Test func `a seed determines the split`() throws {
        let target = (0..<50).map { $0 % 2 }
        let first = try StratifiedSplit.split(target, testSize: 0.2, seed: 1)
        #expect(try StratifiedSplit.split(target, testSize: 0.2, seed: 1) == first)
        #expect(try StratifiedSplit.split(target, testSize: 0.2, seed: 2) != first)
    }

    @Test(arguments: [-0.1, 1, 1.5, .nan])
    func `a share that is none is refused`(testSize: Double) {
        #expect(throws: Failure.self) { try StratifiedSplit.split([0, 1, 0, 1], testSize: testSize, seed: 1) }
    }
}
