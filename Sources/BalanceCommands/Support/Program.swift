import BalanceCore
import Foundation

/// Runs other programs.
enum Program {
    /// The path of this program, for starting it again.
    static var own: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? Bundle.main.executablePath ?? CommandLine.arguments[0]
    }

    /// Runs a program that is found on the PATH and returns its exit status and standard output.
    static func output(_ name: String, _ arguments: [String]) throws -> (status: Int32, text: String) {
        let process = process(name, arguments)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try start(process, name)
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// Runs a program with our own input and output and returns its exit status.
    static func run(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Int32 {
        let process = process(name, arguments, environment: environment)
        try start(process, name)
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// Starts a program in the background; what it says goes where ours does, or all of it to standard error.
    static func background(_ name: String, _ arguments: [String], toErrors: Bool = false) throws -> Process {
        let process = process(name, arguments)
        if toErrors { process.standardOutput = FileHandle.standardError }
        process.standardInput = FileHandle.nullDevice
        try start(process, name)
        return process
    }

    private static func process(_ name: String, _ arguments: [String], environment: [String: String] = [:]) -> Process {
        let process = Process()
        let isPath = name.contains("/")
        process.executableURL = URL(fileURLWithPath: isPath ? name : "/usr/bin/env")
        process.arguments = isPath ? arguments : [name] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        return process
    }

    private static func start(_ process: Process, _ name: String) throws {
        do {
            try process.run()
        } catch {
            throw Failure(.toolMissing, "cannot start '\(name)'", hint: "scripts/bootstrap.sh", cause: error)
        }
    }
}
