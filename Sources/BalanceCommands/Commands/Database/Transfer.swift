import ArgumentParser
import BalanceCore
import Foundation

/// `balanceops import`.
struct Import: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Brings runs, models and files over from elsewhere.",
        subcommands: [ImportMLflow.self, ImportExport.self]
    )
    static let examples = ImportMLflow.examples + ImportExport.examples
}

/// `balanceops import mlflow`.
struct ImportMLflow: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "mlflow",
        abstract: "Imports from an MLflow server, an mlflow.db or an mlruns folder.",
        discussion: """
            Experiments, runs with their whole metric history, logged models, artifacts and the registry come over with
            their ids. What is here already stays as it is, so an import that was interrupted can be called again and goes
            on. A version that was in Production becomes current unless a version serves here already.
            Exit status: 0 all came over, 1 something was skipped, which the report names.
            """
    )
    static let examples = [
        "balanceops import mlflow --from http://127.0.0.1:5000", "balanceops import mlflow --from mlruns",
        "balanceops import mlflow --from mlflow.db --artifacts-from mlartifacts",
    ]

    @OptionGroup var options: SettingsOptions
    @Option(name: .customLong("from"), help: "The server's address, the database file, or the folder.") var origin:
        String
    @Option(
        help: "With a database: the folder of what clients sent through the server. (default: mlartifacts beside it)"
    )
    var artifactsFrom: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        try await Transfer.run(source(), into: workspace, json: json)
    }

    private func source() throws -> any TransferSource {
        if origin.hasPrefix("http://") || origin.hasPrefix("https://") { return try MLflowServerSource(url: origin) }
        let path = origin.dropPrefix("sqlite:///") ?? origin
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw Failure(
                .fileNotFound,
                "\(path) is not there",
                hint: "name a server's address, an mlflow.db or an mlruns folder with --from"
            )
        }
        if isFolder.boolValue { return MLflowFolderSource(path: path) }
        let base = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return try MLflowDatabaseSource(
            path: path,
            files: LocalFiles(base: base, proxied: artifactsFrom ?? "\(base)/mlartifacts")
        )
    }
}

/// `balanceops import export`.
struct ImportExport: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Imports what balanceops export wrote.",
        discussion: """
            An export that is imported into an empty database and exported again is the same.
            Exit status: 0 all came over, 1 something was skipped, which the report names.
            """
    )
    static let examples = ["balanceops import export --from backup"]

    @OptionGroup var options: SettingsOptions
    @Option(name: .customLong("from"), help: "The folder that was exported to.") var origin: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        try await Transfer.run(ExportFolder(path: origin), into: workspace, json: json)
    }
}

/// `balanceops export`.
struct Export: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes everything as JSON lines and files that any program can read.",
        discussion: """
            export.jsonl has a line for each experiment, run, batch of metric points, artifact, logged model, registered
            model, version and alias; files has the bytes, named by their SHA-256. The audit trail stays where it is.
            """
    )
    static let examples = ["balanceops export --to backup"]

    @OptionGroup var options: SettingsOptions
    @Option(name: .customLong("to"), help: "A new folder.") var target: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        let written = try await ExportFolder(path: target).write(workspace)
        if json {
            return Output.json(
                .object([
                    ("records", .int(written.records)), ("files", .int(written.files)), ("bytes", .int(written.bytes)),
                ])
            )
        }
        Output.ok("wrote \(written.records) records and \(written.files) files (\(written.bytes) bytes) to \(target)")
    }
}

/// What the imports share.
private enum Transfer {
    static func run(_ source: any TransferSource, into workspace: Workspace, json: Bool) async throws {
        let importer = Importer(workspace: workspace, progress: Progress(total: try await source.runCount()))
        try await source.read(into: importer)
        let report = try await importer.finish()
        if json { Output.json(report.json) } else { tell(report) }
        // A script must not take an import for whole that is not.
        if !report.skipped.isEmpty { throw ExitCode(1) }
    }

    private static func tell(_ report: TransferReport) {
        for skipped in report.skipped { Output.line("skipped: \(skipped.what): \(skipped.reason)") }
        Output.ok(
            "\(report.experiments) experiments, \(report.runs) runs (\(report.known) were here), \(report.points) metric "
                + "points, \(report.artifacts) files (\(report.bytes) bytes), \(report.loggedModels) logged models, "
                + "\(report.models) registered models, \(report.versions) versions, \(report.aliases) aliases"
        )
    }
}
