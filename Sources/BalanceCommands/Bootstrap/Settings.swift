import BalanceCore
import BalanceNet
import Configuration
import Foundation
import NIOCore

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
        let file = EnvironmentVariablesProvider(environmentVariables: try EnvironmentFile.read("\(directory)/.env"))
        var values: [Setting: Value] = [:]
        for setting in Setting.all {
            let candidates = [
                (flags[setting], "flag"), (try variables.environmentValue(forName: setting.variable), "environment"),
                (try file.environmentValue(forName: setting.variable), ".env"), (setting.defaultValue, "default"),
            ]
            let found = candidates.first { $0.0.map { !$0.isEmpty } ?? false }
            values[setting] = Value(text: found?.0 ?? setting.defaultValue, origin: found?.1 ?? "default")
        }
        return Settings(values: values)
    }

    package subscript(_ setting: Setting) -> Value {
        values[setting] ?? Value(text: setting.defaultValue, origin: "default")
    }

    /// The URL of the API: where the settings name none, that of a server with these settings.
    var serverURL: String {
        if self[.apiURL].origin != "default" { return self[.apiURL].text }
        let host = self[.host].text
        let name = ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host
        return "http://\(name):\(self[.port].text)"
    }

    /// The port of gRPC, and whether it was chosen here so that nobody counts on it; nil: none.
    func grpcPort(besides port: Int) throws -> (port: Int, isOptional: Bool)? {
        switch self[.grpcPort].text {
        case "off": nil
        case "auto": (port == 0 || port == 65535 ? 0 : port + 1, true)
        default: (try self.port(.grpcPort), false)
        }
    }

    /// The value of a setting that is on or off.
    func isOn(_ setting: Setting) throws -> Bool {
        let value = self[setting]
        guard ["on", "off"].contains(value.text) else {
            throw Failure(
                .invalidArgument,
                "\(setting.variable) must be on or off, not '\(value.text)' (from \(value.origin))"
            )
        }
        return value.text == "on"
    }

    /// How many threads serve connections.
    ///
    /// The database's writer, long answers and whoever asks on the same machine need a core too: with as many loops as
    /// cores, two cores answered a seventh fewer predictions, and the slowest hundredth took six times as long.
    func eventLoops() throws -> Int {
        let value = self[.eventLoops]
        if value.text == "auto" { return max(ProcessInfo.processInfo.activeProcessorCount - 1, 1) }
        guard let count = Int(value.text), (1...1024).contains(count) else {
            throw Failure(
                .invalidArgument,
                "\(Setting.eventLoops.variable) must be auto or a number from 1 to 1024, not '\(value.text)' "
                    + "(from \(value.origin))"
            )
        }
        return count
    }

    /// The value of a setting that is a whole number.
    func number(_ setting: Setting, _ range: ClosedRange<Int>) throws -> Int {
        let value = self[setting]
        guard let number = Int(value.text), range.contains(number) else {
            throw Failure(
                .invalidArgument,
                "\(setting.variable) must be a number from \(range.lowerBound) to \(range.upperBound), not '\(value.text)' "
                    + "(from \(value.origin))"
            )
        }
        return number
    }

    /// How long a client may take.
    func connectionLimits() throws -> ConnectionLimits {
        var limits = ConnectionLimits()
        limits.head = .seconds(Int64(try number(.headTimeout, 1...3600)))
        limits.body = limits.head
        limits.idle = .seconds(Int64(try number(.idleTimeout, 1...86_400)))
        limits.rate = try number(.minRate, 1...1 << 30)
        limits.tick = min(limits.tick, limits.head, limits.idle)
        return limits
    }

    /// The path in front of all others behind a proxy: empty, or with a slash before and none behind.
    func linkPrefix() throws -> String {
        let value = self[.basePath]
        let path = value.text.hasSuffix("/") ? String(value.text.dropLast()) : value.text
        let isPath = path.isEmpty || path.wholeMatch(of: /(\/[A-Za-z0-9._~-]+)+/) != nil
        guard isPath else {
            throw Failure(
                .invalidArgument,
                "invalid \(Setting.basePath.variable) '\(value.text)' (from \(value.origin))",
                hint: "use a path such as /mlops"
            )
        }
        return path
    }

    /// How many threads run heavy predictions.
    func predictionThreads() throws -> Int {
        if self[.predictionThreads].text == "auto" { return max(ProcessInfo.processInfo.activeProcessorCount - 1, 1) }
        return try number(.predictionThreads, 1...1024)
    }

    /// How many connections HTTP and gRPC may have at once.
    func connections(descriptors: Int) throws -> (http: Int, grpc: Int) {
        let isAutomatic = self[.maxConnections].text == "auto"
        let all = isAutomatic ? max(descriptors - Self.ownDescriptors, 16) : try number(.maxConnections, 4...1_000_000)
        return (all - all / 4, all / 4)
    }

    /// What files, the database and the runtime need besides connections.
    private static let ownDescriptors = 128

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
}
