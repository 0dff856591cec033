import BalanceCore

/// Turns a run into what its template names.
enum RunView {
    /// Parameters flat, nested ones by their path.
    static func params(_ params: JSONValue?) -> [[String: Any]] {
        flatten(params ?? .null, prefix: "").map { ["key": $0.0, "value": $0.1] }
    }

    /// Files by kind.
    static func groups(_ artifacts: [ArtifactRecord], _ store: any ArtifactStore) -> [[String: Any]] {
        let indexed = Array(artifacts.enumerated())
        return Set(artifacts.map(\.kind)).sorted().map { kind in
            let files = indexed.filter { $0.element.kind == kind }.map { index, artifact -> [String: Any] in
                let state = ArtifactDownload.state(of: artifact, store)
                return [
                    "index": index, "path": artifact.path, "exists": state.size != nil,
                    "size": state.size.map(NumberText.size) ?? "–", "is_downloadable": state.isDownloadable,
                    "is_too_large": state.isTooLarge, "is_outside": state.isOutside,
                ]
            }
            return ["kind": kind, "files": files]
        }
    }

    /// The runs nested in a run, each with its depth; the deepest levels stand together.
    static func nested(_ tree: RunTree, depth: Int = 0) -> [[String: Any]] {
        tree.children.flatMap { child -> [[String: Any]] in
            let row: [String: Any] = [
                "depth": min(depth, 4), "name": child.run.name, "link": child.run.id.native.percentEncoded,
                "status": child.run.status.rawValue,
                "metrics": child.run.metrics.prefix(4).map {
                    ["key": $0.key, "value": NumberText.metric($0.value)]
                },
            ]
            return [row] + nested(child, depth: depth + 1)
        }
    }

    private static func flatten(_ value: JSONValue, prefix: String) -> [(String, String)] {
        guard let members = value.members else { return prefix.isEmpty ? [] : [(prefix, value.string ?? value.text())] }
        return members.flatMap { flatten($0.1, prefix: prefix.isEmpty ? $0.0 : "\(prefix).\($0.0)") }
    }
}
