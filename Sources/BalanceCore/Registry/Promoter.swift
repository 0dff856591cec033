/// Makes a run's model the current one: reads it, tries it, lets the policy decide, and exchanges row and file together.
///
/// Commands, API and pages all come here, so that there is one rule.
package struct Promoter: Sendable {
    private let registry: any RegistryStore
    private let files: any ModelFiles
    private let reader: any ModelReader

    package init(registry: any RegistryStore, files: any ModelFiles, reader: any ModelReader) {
        self.registry = registry
        self.files = files
        self.reader = reader
    }

    /// What became of a request to promote.
    package struct Outcome: Sendable {
        package var decision: Decision
        /// Where the new current model is served from.
        package var path: String
    }

    /// Promotes a candidate where the policy allows it.
    ///
    /// - Parameters:
    ///   - source: The candidate's file.
    ///   - version: The registered version that the file belongs to; nil: a new one is recorded.
    ///   - run: The run that made it, where that is known.
    ///   - metrics: What the policy judges by.
    ///   - name: The registered model.
    ///   - label: What messages call the file; nil: its path.
    ///   - policy: The rule to obey; nil where a person asked for this run by name, which the audit trail then says.
    ///   - actor: Who asked.
    /// - Returns: What was decided; a refusal is no error.
    /// - Throws: `Failure` with code `modelFileMissing`, `modelNotReadable` or one of the database's; then nothing changed.
    package func promote(
        _ source: String,
        version: Int? = nil,
        run: RunID?,
        metrics: [Metric],
        name: String = defaultModelName,
        label: String? = nil,
        policy: PromotionPolicy?,
        actor: String
    ) async throws -> Outcome {
        let path = try files.currentPath(of: name)
        try await repair(name)
        let staged = try files.stage(source, for: name)
        do {
            let (model, measured) = try test(staged, source: label ?? source)
            var promotion = Promotion(
                name: name,
                version: version,
                runID: run,
                sourcePath: source,
                digest: staged.digest,
                size: staged.bytes.count,
                format: model.format,
                metrics: metrics,
                decision: .byHand,
                actor: actor,
                at: .now(),
                policy: policy
            )
            promotion.selfTest = measured
            promotion.signature = model.predictor.signatureJSON.text()
            let files = self.files
            let decision = try await registry.promote(promotion, servedFrom: path) {
                try files.install(staged, for: name)
            }
            files.discard(staged, for: name)
            // The row decides how the exchange ends. Where this fails, whoever comes next finds the note and does it.
            if decision.promotes { try? await repair(name) }
            return Outcome(decision: decision, path: path)
        } catch {
            files.discard(staged, for: name)
            try? await repair(name)
            if let failure = error as? Failure, failure.code == .modelNotReadable {
                try? await recordFailedTest(of: name, version: version, run: run, failure.message, actor)
            }
            throw error
        }
    }

    /// Leaves in the audit trail why a candidate does not serve.
    package func recordFailedTest(
        of name: String,
        version: Int?,
        run: RunID?,
        _ reason: String,
        _ actor: String
    ) async throws {
        try await registry.recordFailedTest(of: name, version: version, run: run, reason: reason, actor: actor)
    }

    /// Points the alias `current` to a version whose files cannot be executed; refused where a version serves.
    package func point(
        to version: ModelVersion,
        problem: String,
        policy: PromotionPolicy?,
        actor: String
    ) async throws -> Decision {
        let promotion = Promotion(
            name: version.name,
            version: version.version,
            problem: problem,
            runID: version.runID,
            sourcePath: "",
            digest: "",
            size: 0,
            format: "",
            metrics: version.metrics,
            decision: .byHand,
            actor: actor,
            at: .now(),
            policy: policy
        )
        return try await registry.promote(promotion, servedFrom: "") {}
    }

    /// Finishes what a crash interrupted; to be called before the current model is read.
    package func repair(_ name: String = defaultModelName) async throws {
        let files = self.files
        try await registry.exclusively(name) { try files.repair(name, current: $0) }
    }

    /// Loads the candidate, asks it for the answer that its trainer recorded, and measures both.
    private func test(_ staged: StagedModel, source: String) throws -> (LoadedModel, measured: JSONValue) {
        let clock = ContinuousClock()
        let start = clock.now
        let model: LoadedModel
        do {
            model = try reader.predictor(from: staged.bytes)
        } catch var failure as Failure {
            failure.message = "\(source): \(failure.message)"
            throw failure
        }
        var measured: [(String, JSONValue)] = [
            ("load_ms", .double(Double((clock.now - start).nanoseconds) / 1e6)), ("golden", .bool(model.golden != nil)),
        ]
        let begin = clock.now
        // Zeros cost what other numbers do; whether they are a sensible row does not matter here.
        let row = model.golden?.features ?? [Double](repeating: 0, count: model.predictor.featureCount)
        if !row.isEmpty, (try? model.predictor.outputs(row)) != nil {
            measured.append(("row_us", .double(Double((clock.now - begin).nanoseconds) / 1e3)))
        }
        guard let golden = model.golden else { return (model, .object(measured)) }
        let answer = try model.predictor.outputs(golden.features).last ?? .nan
        guard abs(answer - golden.probability) <= 1e-9 else {
            throw Failure(
                .modelNotReadable,
                "\(source) answers \(answer) to its golden row, where its trainer got \(golden.probability)",
                hint: "train the candidate again"
            )
        }
        return (model, .object(measured))
    }
}
