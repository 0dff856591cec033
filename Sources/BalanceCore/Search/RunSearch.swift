/// What a run can be searched by, checked: the meaning behind a filter's words.
package enum RunField: Sendable, Hashable {
    case metric(String)
    case param(String)
    case tag(String)
    case text(TextAttribute)
    case number(NumberAttribute)
    case dataset(DatasetAttribute)

    package enum DatasetAttribute: String, Sendable, CaseIterable {
        case name, digest, context
    }

    package enum TextAttribute: String, Sendable, CaseIterable {
        case runID = "run_id"
        case name = "run_name"
        case status
        case userID = "user_id"
        case artifactURI = "artifact_uri"
    }

    package enum NumberAttribute: String, Sendable, CaseIterable {
        case startTime = "start_time"
        case endTime = "end_time"
    }

    /// The field that an identifier names.
    package init(_ identifier: SearchFilter.Identifier) throws(FilterError) {
        let key = identifier.key
        switch identifier.entity {
        case "metric", "metrics": self = .metric(key)
        case "param", "params", "parameter", "parameters": self = .param(key)
        case "tag", "tags": self = .tag(key)
        case "", "attribute", "attributes", "attr", "run":
            if let text = TextAttribute(rawValue: key) {
                self = .text(text)
            } else if let number = NumberAttribute(rawValue: key) {
                self = .number(number)
            } else if key == "created" || key == "Created" {
                self = .number(.startTime)
            } else if ["run name", "Run name", "Run Name"].contains(key) {
                self = .text(.name)
            } else {
                let known = (TextAttribute.allCases.map(\.rawValue) + NumberAttribute.allCases.map(\.rawValue))
                    .joined(separator: ", ")
                throw FilterError("Invalid attribute key '\(key)' specified. Valid keys are \(known)", at: 0)
            }
        case "dataset", "datasets":
            guard let attribute = DatasetAttribute(rawValue: key) else {
                throw FilterError(
                    "Invalid attribute key '\(key)' of a dataset specified. Valid keys are name, digest, context",
                    at: 0
                )
            }
            self = .dataset(attribute)
        default:
            throw FilterError(
                "Invalid entity type '\(identifier.entity)'. Valid values are metric, parameter, tag, attribute, dataset",
                at: 0
            )
        }
    }

    /// Checks that a comparison makes sense for this field.
    package func check(_ comparison: SearchFilter.Comparison) throws(FilterError) {
        let comparator = comparison.comparator
        let allowed: Set<SearchFilter.Comparator>
        var wantsNumber = false
        switch self {
        case .metric, .number:
            allowed = [.equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual]
            wantsNumber = true
        case .param, .tag: allowed = [.equal, .notEqual, .like, .ilike, .isNull, .isNotNull]
        case .dataset, .text(.runID): allowed = [.equal, .notEqual, .like, .ilike, .isIn, .isNotIn]
        case .text: allowed = [.equal, .notEqual, .like, .ilike]
        }
        guard allowed.contains(comparator) else {
            let names = allowed.map(\.rawValue).sorted().joined(separator: " ")
            throw FilterError("Invalid comparator '\(comparator.rawValue)' not one of \(names)", at: comparison.offset)
        }
        switch comparison.value {
        case .number where !wantsNumber:
            throw FilterError("Expected a quoted string value", at: comparison.offset)
        case .text where wantsNumber:
            throw FilterError("Expected numeric value type", at: comparison.offset)
        default: return
        }
    }
}

/// A search over runs.
package struct RunSearch: Sendable {
    /// nil: all experiments.
    package var experimentIDs: [Int]?
    package var query: SearchQuery
    /// A text that folder name, id, note, kind, branch or commit must contain; empty: any.
    package var text = ""
    /// What made the run.
    package var kind: String?
    /// Whether the work tree had changes.
    package var isDirty: Bool?
    /// Whether runs come without metrics, params, tags and inputs.
    package var isLight: Bool

    package init(experimentIDs: [Int]?, query: SearchQuery, isLight: Bool = false) {
        self.experimentIDs = experimentIDs
        self.query = query
        self.isLight = isLight
    }

    /// The newest runs of all experiments.
    package init(limit: Int = 20) { self.init(experimentIDs: nil, query: SearchQuery(limit: limit)) }
}
