extension Slot {
    /// What the registry says otherwise than its history or the trail; nil where they agree.
    package func contradiction(lastMove: SlotMove?, cause: AuditEvent?) -> String? {
        func words(_ version: Int?) -> String { version.map { "version \($0)" } ?? "no version" }
        if let lastMove, lastMove.generation != generation || lastMove.version != version {
            return "'\(model)' has \(words(version)) at generation \(generation), but its history ends with "
                + "\(words(lastMove.version)) at generation \(lastMove.generation)"
        }
        guard let cause else {
            // What served before there was a trail came over without a line.
            if generation == 0 || lastMove?.actor == "migration" { return nil }
            return "'\(model)' is at generation \(generation), but the trail has no entry for it"
        }
        let said = cause.action == "alias removed" ? nil : cause.toVersion
        if said == version { return nil }
        return "entry \(cause.sequence) moved '\(model)' to \(words(said)), but the registry has \(words(version))"
    }
}

extension AuditVerification {
    package var json: JSONValue {
        .object([
            ("ok", .bool(problem == nil)), ("lines", .int(count)), ("signatures", .int(signed)),
            ("heads", .int(headCount)),
            ("head", head?.json ?? .null),
            (
                "problem",
                problem.map { .object([("seq", .int($0.sequence)), ("message", .string($0.message))]) } ?? .null
            ),
        ])
    }
}
