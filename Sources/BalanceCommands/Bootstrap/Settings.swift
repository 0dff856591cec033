import BalanceCore
import Configuration
import Foundation
import SystemPackage

/// The value of every setting and where it came from.
package struct Settings: Sendable {
    /// A value and its origin: `flag`, `environment`, `.env` or `default`.
    package struct Value: Sendable, Hashable {
        package var text: String
        package var origin: String
    }

    private let values: [Setting: Value]

    /// Reads all settings: from the flags, the environment, and `.env` in the given directory.
    package static func load(
        flags: [Setting: String],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        directory: String = "."
    ) async throws -> Settings {
        let variables = EnvironmentVariablesProvider(environmentVariables: environment)
        let file = try await EnvironmentVariablesProvider(
            environmentFilePath: FilePath("\(directory)/.env"),
            allowMissing: true
        )
        var values: [Setting: Value] = [:]
        for setting in Setting.all {
            let candidates = [
                (flags[setting], "flag"), (try variables.environmentValue(forName: setting.variable), "environment"),
                (try Self.line(setting.variable, of: file), ".env"), (setting.defaultValue, "default"),
            ]
            let found = candidates.first { $0.0.map { !$0.isEmpty } ?? false }
            values[setting] = Value(text: found?.0 ?? setting.defaultValue, origin: found?.1 ?? "default")
        }
        return Settings(values: values)
    }

    package subscript(_ setting: Setting) -> Value {
        values[setting] ?? Value(text: setting.defaultValue, origin: "default")
    }

    /// The value of a setting that is a port.
    func port(_ setting: Setting) throws -> Int {
        let value = self[setting]
        guard let port = Int(value.text), (0...65535).contains(port) else {
            throw Failure(
                .invalidArgument,
                "\(setting.variable) must be a port between 0 and 65535, not '\(value.text)' (from \(value.origin))"
            )
        }
        return port
    }

    /// A line of `.env`, which may begin with `export` and hold its value in quotes.
    private static func line(_ name: String, of file: EnvironmentVariablesProvider) throws -> String? {
        let text = try file.environmentValue(forName: name) ?? file.environmentValue(forName: "export \(name)")
        guard let text, text.count > 1, let quote = text.first, "\"'".contains(quote), text.last == quote else {
            return text
        }
        return String(text.dropFirst().dropLast())
    }
}
