import BalanceCore

/// Asks a loaded candidate for the answer that its trainer recorded, and measures it.
enum SelfTest {
    /// What was measured.
    struct Measured {
        var loadMilliseconds: Double
        var hasGolden: Bool
        var rowMicroseconds: Double?
        /// The 95th percentile of a row, in milliseconds.
        var latency: Double?

        var json: JSONValue {
            var members: [(String, JSONValue)] = [("load_ms", .double(loadMilliseconds)), ("golden", .bool(hasGolden))]
            if let rowMicroseconds { members.append(("row_us", .double(rowMicroseconds))) }
            if let latency { members.append(("p95_ms", .double(latency))) }
            return .object(members)
        }

        var fact: PromotionCase.SelfTest { .init(problem: nil, latency: latency) }
    }

    /// At most so many rows are timed, and not for longer than a fifth of a second.
    private static let timedRows = 100
    private static let timedMilliseconds = 200.0

    /// - Throws: `Failure` with code `modelNotReadable` where the answer is another one.
    static func run(_ file: LoadedFile, label: String) throws -> Measured {
        let model = file.model
        var measured = Measured(loadMilliseconds: file.milliseconds, hasGolden: model.golden != nil)
        measure(model, &measured)
        guard let golden = model.golden else { return measured }
        let outputs = try model.predictor.outputs(golden.features)
        let answer = outputs.count > 1 ? outputs[1] : outputs.first ?? .nan
        guard abs(answer - golden.probability) <= 1e-9 else {
            throw Failure(
                .modelNotReadable,
                "\(label) returns \(answer) for its golden row; its trainer recorded \(golden.probability)",
                hint: "train the candidate again"
            )
        }
        return measured
    }

    private static func measure(_ model: LoadedModel, _ measured: inout Measured) {
        // Zeros cost what other numbers do; whether they are a sensible row does not matter here.
        let row = model.golden?.features ?? [Double](repeating: 0, count: model.predictor.featureCount)
        guard !row.isEmpty else { return }
        let clock = ContinuousClock()
        let start = clock.now
        var times: [Double] = []
        while times.count < timedRows, Double((clock.now - start).nanoseconds) / 1e6 < timedMilliseconds {
            let begin = clock.now
            guard (try? model.predictor.outputs(row)) != nil else { return }
            times.append(Double((clock.now - begin).nanoseconds) / 1e6)
        }
        measured.rowMicroseconds = times.first.map { $0 * 1e3 }
        times.sort()
        measured.latency = times.isEmpty ? nil : times[min(times.count - 1, times.count * 95 / 100)]
    }
}
