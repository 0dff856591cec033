import BalanceCore
import COnnxRuntime
import Foundation
import Synchronization

/// ONNX Runtime, opened when the first model needs it.
///
/// Everything else works without it. One environment serves the whole process; sessions have no threads of their own.
// Safe to share: the table is constant, and the library's environment, allocator and memory record take calls from any thread.
package final class OnnxLibrary: @unchecked Sendable {
    let table: ort_table
    let environment: OpaquePointer
    let memory: OpaquePointer
    let allocator: OpaquePointer
    package let version: String

    private static let state = Mutex<(path: String?, library: OnnxLibrary?)>((nil, nil))

    /// Names the library's file; nil, the default, looks for it in the usual places.
    package static func use(path: String?) { state.withLock { $0.path = path } }

    /// The library, opened at the first call.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` whose hint says how to get the library.
    package static func shared() throws -> OnnxLibrary {
        try state.withLock { state in
            if let library = state.library { return library }
            let library = try OnnxLibrary(path: state.path)
            state.library = library
            return library
        }
    }

    private init(path: String?) throws {
        guard let handle = Self.places(path).lazy.compactMap({ dlopen($0, RTLD_NOW | RTLD_LOCAL) }).first else {
            throw Failure(
                .modelNotReadable,
                path.map { "cannot open the ONNX Runtime library at \($0)" }
                    ?? "an ONNX model needs ONNX Runtime, which is not installed",
                hint: "run scripts/bootstrap.sh --onnx, or set BALANCEOPS_ONNX_RUNTIME to the path of libonnxruntime.so"
            )
        }
        guard let entry = dlsym(handle, "OrtGetApiBase"), let base = ort_open(entry), let table = ort_get_table(base)
        else {
            throw Failure(
                .modelNotReadable,
                "the ONNX Runtime library is older than 1.17",
                hint: "run scripts/bootstrap.sh --onnx"
            )
        }
        self.table = table
        version = String(cString: ort_get_version(base))
        var environment: OpaquePointer?
        var memory: OpaquePointer?
        var allocator: OpaquePointer?
        // Level 4: nothing on the standard error output; failures reach the caller anyway.
        try Self.check(table, ort_create_env(table, 4, "balanceops", &environment))
        try Self.check(table, ort_cpu_memory(table, &memory))
        try Self.check(table, ort_default_allocator(table, &allocator))
        guard let environment, let memory, let allocator else { throw Self.failure("it has no environment") }
        self.environment = environment
        self.memory = memory
        self.allocator = allocator
    }

    /// Where the library is looked for: the path that was named, beside the binary, and where the system has it.
    private static func places(_ path: String?) -> [String] {
        if let path { return [path] }
        let binary = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent().path ?? "."
        let name = "libonnxruntime.so.1"
        let folders = [binary, "\(binary)/../lib", "\(binary)/../../onnxruntime", ".build/onnxruntime"]
        let beside: [String] = folders.map { "\($0)/\(name)" }.filter { access($0, R_OK) == 0 }
        return beside + pythonPlaces(binary, name) + [name, "libonnxruntime.so"]
    }

    /// Where pip puts it: beside the Python whose folder of commands the binary stands in.
    private static func pythonPlaces(_ binary: String, _ name: String) -> [String] {
        func entries(_ folder: String, _ prefix: String) -> [String] {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return all.filter { $0.hasPrefix(prefix) }.sorted().map { (name: String) -> String in "\(folder)/\(name)" }
        }
        return entries("\(binary)/../lib", "python3").flatMap { python in
            entries("\(python)/site-packages/onnxruntime/capi", name)
        }
    }

    /// Throws what a status says, and releases it.
    func check(_ status: OpaquePointer?) throws { try Self.check(table, status) }

    private static func check(_ table: ort_table, _ status: OpaquePointer?) throws {
        guard let status else { return }
        defer { ort_release(table, Int32(ort_release_status), status) }
        throw failure(String(cString: ort_message(table, status)))
    }

    static func failure(_ message: String) -> Failure {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        return Failure(.modelNotReadable, "ONNX Runtime: \(line.prefix(400))")
    }
}
