/// A run with the runs nested in it.
package struct RunTree: Sendable {
    package var run: TrackedRun
    package var children: [RunTree]

    /// Puts runs together by the tag `mlflow.parentRunId`, each below its parent, in the order that they came in.
    ///
    /// `runs` holds the root first. A run stands once, also where runs name one another in a circle.
    package init(_ runs: [TrackedRun], root: RunID) {
        var byParent: [String: [TrackedRun]] = [:]
        for run in runs where run.id != root {
            let parent = run.tags.first { $0.key == parentRunTag }?.value ?? ""
            byParent[parent, default: []].append(run)
        }
        let first = runs.first { $0.id == root } ?? runs[0]
        self.init(first, &byParent, depth: 0)
    }

    private init(_ run: TrackedRun, _ byParent: inout [String: [TrackedRun]], depth: Int) {
        self.run = run
        // Deeper ones are left out, so that no client can use up the stack.
        let nested = depth < 100 ? byParent.removeValue(forKey: run.id.stored) ?? [] : []
        var children: [RunTree] = []
        for child in nested { children.append(RunTree(child, &byParent, depth: depth + 1)) }
        self.children = children
    }

    package var json: JSONValue {
        .object([
            ("run_id", .string(run.id.native)), ("name", .string(run.name)), ("status", .string(run.status.rawValue)),
            ("experiment_id", .string(String(run.experimentID))),
            ("metrics", .object(run.metrics.map { ($0.key, .double($0.value)) })),
            ("children", .array(children.map(\.json))),
        ])
    }
}
