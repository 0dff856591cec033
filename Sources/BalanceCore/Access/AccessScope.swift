/// What a grant or a token reaches; names are compared by their bytes.
package enum AccessScope: Sendable, Hashable {
    case everything
    /// A registered model by its name, or those whose names begin as a pattern with `*` at its end does.
    case model(ByteText)
    /// A folder of experiments: the experiment of that name, and those whose names begin with it and a slash.
    case folder(ByteText)

    /// As settings and the database write it: `*`, `model:NAME`, `model:PREFIX*` or `experiments:FOLDER`.
    ///
    /// - Throws: `Failure` with code `invalidArgument`.
    package init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        switch (parts.first, parts.count) {
        case ("*", 1): self = .everything
        case ("model", 2): self = .model(ByteText(parts[1]))
        case ("experiments", 2) where !parts[1].hasSuffix("/"): self = .folder(ByteText(parts[1]))
        default:
            throw Failure(
                .invalidArgument,
                "invalid scope '\(text.prefix(100))'",
                hint: "use *, model:NAME, model:PREFIX* or experiments:FOLDER"
            )
        }
    }

    package var text: String {
        switch self {
        case .everything: "*"
        case .model(let name): "model:\(name.text)"
        case .folder(let path): "experiments:\(path.text)"
        }
    }

    /// Whether it reaches an object.
    package func covers(_ object: AccessObject) -> Bool {
        switch (self, object) {
        case (.everything, _): true
        case (.model(let pattern), .model(let name)): Self.matches(pattern.text, name)
        case (.folder(let folder), .experiment(let name)):
            ByteText.isSame(folder.text, name) || name.utf8.starts(with: "\(folder.text)/".utf8)
        default: false
        }
    }

    private static func matches(_ pattern: String, _ name: String) -> Bool {
        guard pattern.utf8.last == UInt8(ascii: "*") else { return ByteText.isSame(pattern, name) }
        return name.utf8.starts(with: pattern.utf8.dropLast())
    }
}

/// What a request is about.
package enum AccessObject: Sendable, Hashable {
    /// The server as a whole: policies, webhooks, accounts, the whole trail.
    case server
    /// A registered model, whether it exists or not.
    case model(String)
    /// An experiment and its runs, by the experiment's name.
    case experiment(String)
}

/// How a request names what it is about, before it is looked up.
package enum ObjectReference: Sendable, Hashable {
    case server
    /// A list, whose answer holds no more than the caller may see, or something that tells nothing of any object.
    case any
    case model(String)
    case experiment(String)
    case experimentNamed(String)
    case run(String)
    case loggedModel(String)
}

/// Looks up the experiment that runs and logged models belong to.
package protocol AccessObjects: Sendable {
    /// The name of the experiment; nil where there is none.
    func experiment(of reference: ObjectReference) async throws -> String?
}

/// The objects that whoever asks may see: lists hold no others.
///
/// It is set around the handler of a request, and read by every search of the stores: no list can forget it.
package struct Visibility: Sendable, Hashable {
    package var scopes: [AccessScope]

    package init(scopes: [AccessScope]) { self.scopes = scopes }

    /// nil: everything, also what the trail says of accounts.
    @TaskLocal package static var current: Visibility?

    /// Whether there is anything that whoever asks may not see, besides what is for admins.
    package static var isLimited: Bool { current.map { !$0.scopes.contains(.everything) } ?? false }

    package func shows(_ object: AccessObject) -> Bool { scopes.contains { $0.covers(object) } }

    /// Whether whoever asks may see an object.
    package static func shows(_ object: AccessObject) -> Bool { current?.shows(object) ?? true }
}
