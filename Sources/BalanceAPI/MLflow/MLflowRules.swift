import BalanceCore

/// What MLflow allows in keys, values and batches.
enum MLflowRules {
    static let maximumKey = 250
    static let maximumName = 500
    static let maximumParamValue = 6000
    static let maximumTagValue = 8000
    static let maximumExperimentTagValue = 20000
    static let maximumRegistryTagValue = 100_000
    static let maximumMetrics = 1000
    static let maximumParams = 100
    static let maximumTags = 100

    /// Checks the key of a metric, param or tag.
    static func check(key: String, place: String, title: String? = nil) throws {
        if isSimple(key) { return }
        if key.unicodeScalars.count > maximumKey {
            throw Failure(
                .invalidParameter,
                "'\(title ?? place)' exceeds the maximum length of \(maximumKey) characters"
            )
        }
        guard key.unicodeScalars.allSatisfy(isKeyScalar), isPlainPath(key) else {
            throw Failure(
                .invalidParameter,
                "Invalid value \"\(key.prefix(100))\" for parameter '\(place)' supplied: Names may only contain "
                    + "alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
            )
        }
    }

    /// Reads a tag of a run; a long value is cut, as MLflow does.
    static func runTag(_ fields: MLflowFields) throws -> KeyValue {
        let key = try fields.required("key")
        try check(key: key, place: fields.place("key"))
        return KeyValue(key: key, value: cut(try fields.text("value") ?? "", maximumTagValue))
    }

    /// Reads a tag of an experiment; a long value is refused.
    static func experimentTag(_ fields: MLflowFields) throws -> KeyValue {
        try tag(fields, maximumExperimentTagValue)
    }

    /// Reads a tag of a registered model or a version; a long value is refused.
    static func registryTag(_ fields: MLflowFields) throws -> KeyValue { try tag(fields, maximumRegistryTagValue) }

    /// Reads a param or tag of a logged model, whose keys may have any characters; a long value is cut.
    static func modelPair(_ fields: MLflowFields) throws -> KeyValue {
        let key = try fields.required("key")
        guard key.unicodeScalars.count <= maximumKey else {
            throw Failure(
                .invalidParameter,
                "'\(fields.place("key"))' exceeds the maximum length of \(maximumKey) characters"
            )
        }
        return KeyValue(key: key, value: cut(try fields.text("value") ?? "", maximumTagValue))
    }

    private static func tag(_ fields: MLflowFields, _ limit: Int) throws -> KeyValue {
        let key = try fields.required("key")
        try check(key: key, place: fields.place("key"))
        let value = try fields.text("value") ?? ""
        if value.unicodeScalars.count > limit {
            throw Failure(
                .invalidParameter,
                "'\(fields.place("value"))' exceeds the maximum length of \(limit) characters"
            )
        }
        return KeyValue(key: key, value: value)
    }

    static func param(_ fields: MLflowFields) throws -> KeyValue {
        let key = try fields.required("key")
        try check(key: key, place: fields.place("key"), title: "Param key")
        return KeyValue(key: key, value: cut(try fields.text("value") ?? "", maximumParamValue))
    }

    static func metric(_ fields: MLflowFields) throws -> MetricPoint {
        let key = try fields.required("key")
        try check(key: key, place: fields.place("name"), title: "Metric name")
        guard let value = try fields.double("value") else { throw fields.missing("value") }
        guard let timestamp = try fields.integer("timestamp") else { throw fields.missing("timestamp") }
        guard timestamp >= 0 else { throw fields.invalid("timestamp", .int(timestamp)) }
        let step = try fields.integer("step") ?? 0
        return MetricPoint(key: key, value: value, timestamp: Timestamp(milliseconds: timestamp), step: step)
    }

    /// Reads points of metrics; one that names a logged model is also a point of that model.
    static func metricBatch(_ metrics: [MLflowFields], of run: RunID) throws -> LogBatch {
        var batch = LogBatch()
        for fields in metrics {
            let point = try metric(fields)
            batch.metrics.append(point)
            let name = try fields.text("dataset_name")
            let digest = try fields.text("dataset_digest")
            guard (name == nil) == (digest == nil) else {
                throw Failure(.invalidParameter, "Both or neither of dataset_name and dataset_digest must be given.")
            }
            guard let model = try fields.text("model_id"), !model.isEmpty else { continue }
            let dataset = name.map { DatasetReference(name: $0, digest: digest) }
            batch.modelMetrics.append(ModelMetric(point: point, modelID: model, runID: run, dataset: dataset))
        }
        return batch
    }

    static func datasetInput(_ fields: MLflowFields) throws -> DatasetInput {
        guard let value = try fields.value("dataset"), value.members != nil else { throw fields.missing("dataset") }
        let dataset = MLflowFields(value, prefix: fields.place("dataset."))
        func text(_ name: String, _ limit: Int) throws -> String? {
            guard let text = try dataset.text(name) else { return nil }
            if text.unicodeScalars.count <= limit { return text }
            throw Failure(
                .invalidParameter,
                "'\(dataset.place(name))' exceeds the maximum length of \(limit) characters"
            )
        }
        func required(_ name: String, _ limit: Int) throws -> String {
            guard let text = try text(name, limit), !text.isEmpty else { throw dataset.missing(name) }
            return text
        }
        return DatasetInput(
            name: try required("name", 500),
            digest: try required("digest", 36),
            sourceType: try required("source_type", 500),
            source: try required("source", 65_535),
            schema: try text("schema", 1_048_575),
            profile: try text("profile", 16_777_215),
            tags: try fields.objects("tags").map { tag in
                let pair = KeyValue(key: try tag.required("key"), value: try tag.text("value") ?? "")
                for (name, text, limit) in [("key", pair.key, 255), ("value", pair.value, 500)]
                where text.unicodeScalars.count > limit {
                    throw Failure(
                        .invalidParameter,
                        "'\(tag.place(name))' exceeds the maximum length of \(limit) characters"
                    )
                }
                return pair
            }
        )
    }

    /// Reads a whole batch; nothing is stored before all of it was checked.
    static func batch(_ fields: MLflowFields, of run: RunID) throws -> LogBatch {
        let metrics = try fields.objects("metrics")
        let params = try fields.objects("params")
        let tags = try fields.objects("tags")
        try check(metrics.count, maximumMetrics, "metrics")
        try check(params.count, maximumParams, "params")
        try check(tags.count, maximumTags, "tags")
        let total = metrics.count + params.count + tags.count
        if total > maximumMetrics {
            throw Failure(
                .invalidParameter,
                "A batch logging request can contain at most \(maximumMetrics) metrics, params, and tags. "
                    + "Got \(total) metrics, params, and tags."
            )
        }
        var batch = try metricBatch(metrics, of: run)
        batch.params = try params.map(param)
        batch.tags = try tags.map(runTag)
        var seen: Set<[UInt8]> = []
        for param in batch.params where !seen.insert(Array(param.key.utf8)).inserted {
            throw Failure(.invalidParameter, "Duplicate parameter keys have been submitted: ['\(param.key)']")
        }
        return batch
    }

    /// A name that is there, of at most 500 characters.
    static func experimentName(_ fields: MLflowFields, _ field: String) throws -> String {
        let name = try fields.required(field)
        if name.unicodeScalars.count > maximumName {
            throw Failure(.invalidParameter, "'\(field)' exceeds the maximum length of \(maximumName) characters")
        }
        return name
    }

    /// An object-store location that clients use without us, or nil; everything else is refused.
    static func location(_ fields: MLflowFields) throws -> String? {
        guard let text = try fields.text("artifact_location"), !text.isEmpty else { return nil }
        // It names our own store without a host; where in it is for the server to choose.
        if let key = try? VersionSource(text), case .artifacts = key { return nil }
        let isClean =
            text.utf8.count <= 2000 && !text.contains("..")
            && text.unicodeScalars.allSatisfy {
                $0.value > 0x20 && $0.value != 0x7F && !"?#;%\\".unicodeScalars.contains($0)
            }
        guard VersionSource.isObjectStore(text), isClean else {
            throw Failure(
                .invalidParameter,
                "Invalid value for parameter 'artifact_location' supplied: the server chooses where artifacts are kept",
                hint: "omit it, or use an object store: \(VersionSource.storePrefixes.joined(separator: ", "))"
            )
        }
        return text
    }

    /// A long value cut to its first characters, as MLflow does by default.
    static func cut(_ text: String, _ limit: Int) -> String {
        // No text has more characters than bytes.
        text.utf8.count > limit && text.unicodeScalars.count > limit ? String(text.unicodeScalars.prefix(limit)) : text
    }

    private static func check(_ count: Int, _ limit: Int, _ name: String) throws {
        guard count > limit else { return }
        throw Failure(
            .invalidParameter,
            "A batch logging request can contain at most \(limit) \(name). Got \(count) \(name). "
                + "Please split up \(name) across multiple requests and try again."
        )
    }

    /// Whether a key surely is allowed: a short one of ASCII letters, digits, underscores and dashes.
    private static func isSimple(_ key: String) -> Bool {
        (1...maximumKey).contains(key.utf8.count)
            && key.utf8.allSatisfy { byte in
                switch byte {
                case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "_"): true
                default: false
                }
            }
    }

    private static func isKeyScalar(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            || "_/.- :".unicodeScalars.contains(scalar)
            || scalar.properties.generalCategory == .nonspacingMark
    }

    /// Whether a key, read as a path, is its own normal form.
    private static func isPlainPath(_ key: String) -> Bool {
        let parts = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Array($0) }
        let dot = UInt8(ascii: ".")
        return !key.isEmpty && parts.allSatisfy { !$0.isEmpty && $0 != [dot] && $0 != [dot, dot] }
    }
}
