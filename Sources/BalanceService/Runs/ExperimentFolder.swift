package import BalanceCore

/// A folder of experiments: names are folders by the `/` in them.
package struct ExperimentFolder: Sendable {
    /// A folder below, with the number of experiments in it at any depth.
    package struct Folder: Sendable {
        package var path: String
        package var name: String
        package var count: Int
    }

    package var path: String
    package var folders: [Folder]
    /// The experiments that lie directly in the folder.
    package var experiments: [Experiment]

    /// Reads a folder; the empty path is the top, and slashes at its ends do not count.
    package init(_ path: String, in log: any RunLog) async throws {
        self.path = path.split(separator: "/").joined(separator: "/")
        let prefix = self.path.isEmpty ? "" : self.path + "/"
        var after: String?
        var experiments: [Experiment] = []
        var counts: [String: Int] = [:]
        let order = [SearchFilter.Order(identifier: .init(entity: "", key: "name"), isAscending: true)]
        repeat {
            let page = try await log.experiments(SearchQuery(order: order, limit: 1000, after: after))
            for experiment in page.items where experiment.name.hasPrefix(prefix) {
                let rest = experiment.name.dropFirst(prefix.count).split(separator: "/")
                if rest.count < 2 { experiments.append(experiment) } else { counts[String(rest[0]), default: 0] += 1 }
            }
            after = page.next
        } while after != nil
        self.experiments = experiments
        folders = counts.sorted { $0.key < $1.key }.map { Folder(path: prefix + $0.key, name: $0.key, count: $0.value) }
    }

    package var json: JSONValue {
        .object([
            ("folder", .string(path)),
            (
                "folders",
                .array(folders.map { .object([("path", .string($0.path)), ("experiments", .int($0.count))]) })
            ),
            (
                "experiments",
                .array(
                    experiments.map {
                        .object([
                            ("experiment_id", .string(String($0.id))), ("name", .string($0.name)),
                            ("created_at", .string($0.createdAt.iso8601)),
                        ])
                    }
                )
            ),
        ])
    }
}
