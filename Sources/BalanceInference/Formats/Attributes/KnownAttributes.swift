import BalanceCore

/// What is known of an estimator's attributes: which its answers are made from, and which may be ignored, by the reason.
///
/// An attribute that is in no list may change what the library answers, so a file that holds it is refused. The lists come from the estimators of
/// scikit-learn 1.1 to 1.9, fitted with parameters that add some, and of the oldest and newest boosting libraries: XGBoost 1.7 and 3.2, LightGBM 3.3
/// and 4.7.
package struct KnownAttributes: Sendable {
    /// Read, or checked for a value that changes the answer.
    package let read: Set<String>
    /// Used while fitting only.
    package let fitting: Set<String>
    /// A record of how fitting went.
    package let record: Set<String>
    /// Decides about speed, memory, messages or the form of the result, never about its values.
    package let form: Set<String>
    /// What counts of it is contained in an attribute that is read.
    package let contained: Set<String>

    init(read: String = "", fitting: String = "", record: String = "", form: String = "", contained: String = "") {
        func words(_ text: String) -> Set<String> { Set(text.split(separator: " ").map(String.init)) }
        self.read = words(read).union(["_sklearn_version", "n_features_in_", "feature_names_in_"])
        self.fitting = words(fitting).union(["random_state", "warm_start", "_metadata_request"])
        self.record = words(record)
        self.form = words(form).union(["n_jobs", "verbose", "copy", "copy_X", "_sklearn_output_config"])
        self.contained = words(contained)
    }

    /// All classes with their attributes.
    package static let all = linear.merging(trees) { $1 }.merging(transforms) { $1 }

    private func knows(_ name: String) -> Bool {
        read.contains(name) || fitting.contains(name) || record.contains(name) || form.contains(name)
            || contained.contains(name)
    }

    /// Refuses a file in which an estimator holds an attribute that is not known.
    static func check(_ graph: ObjectGraph) throws {
        for (index, node) in graph.nodes.enumerated() {
            guard case .object(let className, _, _) = node, let known = all[className] else { continue }
            let view = ObjectView(graph: graph, index: index)
            // LightGBM's wrapper keeps every parameter that it hands on under its own name too.
            let handedOn = view["_other_params"]?.keys ?? []
            guard let unknown = view.keys.first(where: { !known.knows($0) && !handedOn.contains($0) }) else { continue }
            let short = className.split(separator: ".").last.map(String.init) ?? className
            throw Failure(
                .modelNotReadable,
                "the file has a \(short) with an unknown attribute '\(unknown.prefix(100))'",
                hint:
                    "if you added it yourself, delete it before saving; docs/model-attributes.md lists the known ones"
            )
        }
    }
}
