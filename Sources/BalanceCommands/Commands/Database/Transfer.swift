import ArgumentParser
import BalanceCore
import Foundation

/// `balanceops import`.
struct Import: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Imports runs, models and files from another system.",
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
            Imports experiments, runs with their full metric history, logged models, artifacts and the registry, and
            keeps their IDs. Existing records are not changed, so an interrupted import can be run again and continues.
            A version in stage Production becomes current unless this server already has a current version.
            Exit status: 0 everything was imported, 1 some records were skipped; the report lists them.
            """
    )
    static let examples = [
        "balanceops import mlflow --from http://127.0.0.1:5000", "balanceops import mlflow --from mlruns",
        "balanceops import mlflow --from mlflow.db --artifacts-from mlartifacts",
    ]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @Option(name: .customLong("from"), help: "The server URL, the database file, or the folder.") var origin: String
    @Option(
        help: "For a database: the artifact folder of the MLflow server. (default: mlartifacts next to the file)"
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
                "no such file or folder: \(path)",
                hint: "pass a server URL, an mlflow.db or an mlruns folder with --from"
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
        abstract: "Imports a folder written by balanceops export.",
        discussion: """
            Importing an export into an empty database and exporting it again gives the same files.
            Exit status: 0 everything was imported, 1 some records were skipped; the report lists them.
            """
    )
    static let examples = ["balanceops import export --from backup"]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @Option(name: .customLong("from"), help: "The export folder.") var origin: String
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
        abstract: "Exports all data as JSON lines and plain files.",
        discussion: """
            export.jsonl has a line for each experiment, run, batch of metric points, artifact, logged model, registered
            model, version and alias; files has the contents, named by SHA-256. The audit trail is not exported.
            """
    )
    static let examples = ["balanceops export --to backup"]

    @OptionGroup(title: "Files") var options: SettingsOptions
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
            "\(report.experiments) experiments, \(report.runs) runs (\(report.known) existed), \(report.points) metric "
                + "points, \(report.artifacts) files (\(report.bytes) bytes), \(report.loggedModels) logged models, "
                + "\(report.models) registered models, \(report.versions) versions, \(report.aliases) aliases"
        )
    }
}
