import BalanceCore
import COnnxRuntime
import Foundation

/// A loaded ONNX model.
// Safe to share: the pointer never changes, and the library runs one session on many threads at once.
final class OnnxSession: @unchecked Sendable {
    private let library: OnnxLibrary
    private let session: OpaquePointer
    let inputs: [TensorSpec]
    let outputs: [Output]

    /// An output: a tensor, or for each row a map from label to number.
    struct Output {
        var spec: TensorSpec
        var isMap: Bool
    }

    /// Whether a run is ended after ``longestRun``: graphs with loops may go on for ever.
    private let isWatched: Bool
    /// The seconds that a graph with loops may take.
    private static let longestRun = 10.0

    /// - Throws: `Failure` with code `modelNotReadable`.
    init(_ bytes: [UInt8], hasLoops: Bool) throws {
        isWatched = hasLoops
        let library = try OnnxLibrary.shared()
        self.library = library
        let table = library.table
        var options: OpaquePointer?
        try library.check(ort_create_options(table, &options))
        guard let options else { throw OnnxLibrary.failure("no options") }
        defer { ort_release(table, Int32(ort_release_session_options), options) }
        // One thread, the caller's: the fastest for single rows, and no threads that spin.
        for (place, value): (Int32, Int32) in [(13, 0), (22, 4), (23, 99), (24, 1), (25, 1)] {
            try library.check(ort_set_option(table, place, options, value))
        }
        try library.check(ort_disable_arena(table, options))
        try library.check(ort_set_entry(table, options, "session.intra_op.allow_spinning", "0"))
        var session: OpaquePointer?
        try library.check(
            bytes.withUnsafeBytes {
                ort_create_session(table, library.environment, $0.baseAddress, $0.count, options, &session)
            }
        )
        guard let session else { throw OnnxLibrary.failure("no session") }
        self.session = session
        do {
            inputs = try Self.specs(library, session, count: 30, name: 36, type: 33).map { input in
                guard !input.isMap else { throw OnnxLibrary.failure("input '\(input.spec.name)' is not a tensor") }
                return input.spec
            }
            outputs = try Self.specs(library, session, count: 31, name: 37, type: 34)
        } catch {
            ort_release(table, Int32(ort_release_session), session)
            throw error
        }
    }

    deinit { ort_release(library.table, Int32(ort_release_session), session) }

    private static func specs(
        _ library: OnnxLibrary,
        _ session: OpaquePointer,
        count: Int32,
        name: Int32,
        type: Int32
    ) throws -> [Output] {
        let table = library.table
        var number = 0
        try library.check(ort_count(table, count, session, &number))
        return try (0..<number).map { index in
            var text: UnsafeMutablePointer<CChar>?
            try library.check(ort_name(table, name, session, index, library.allocator, &text))
            defer { _ = ort_free(table, library.allocator, text) }
            var info: OpaquePointer?
            try library.check(ort_type_info(table, type, session, index, &info))
            defer { ort_release(table, Int32(ort_release_type_info), info) }
            var kind: Int32 = 0
            try library.check(ort_kind(table, 56, info, &kind))
            let title = text.map { String(cString: $0) } ?? ""
            if kind == 2 { return Output(spec: TensorSpec(title, .float32, [-1, -1]), isMap: true) }
            guard kind == 1 else {
                throw OnnxLibrary.failure("'\(title)' has an unsupported kind (\(kind))")
            }
            var tensor: OpaquePointer?
            try library.check(ort_tensor_info(table, 55, info, &tensor))
            let (type, shape) = try Self.describe(library, tensor, title)
            return Output(spec: TensorSpec(title, type, shape), isMap: false)
        }
    }

    private static func describe(
        _ library: OnnxLibrary,
        _ info: OpaquePointer?,
        _ name: String
    ) throws -> (TensorType, [Int]) {
        var element: Int32 = 0
        var rank = 0
        try library.check(ort_element_type(library.table, info, &element))
        try library.check(ort_rank(library.table, info, &rank))
        var shape = [Int64](repeating: 0, count: rank)
        try library.check(ort_shape(library.table, info, &shape, rank))
        guard let type = types[Int(element)] else {
            throw OnnxLibrary.failure("'\(name)' has an unsupported element type (\(element))")
        }
        return (type, shape.map { Int($0) })
    }

    /// The library's numbers of types.
    private static let types: [Int: TensorType] = [
        1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 8: .bytes, 9: .bool,
        10: .float16, 11: .float64, 12: .uint32, 13: .uint64, 16: .bfloat16,
    ]

    /// Runs the model; each input fits its spec.
    func run(_ tensors: [Tensor], outputs wanted: [String]) throws -> [Tensor] {
        try withResults(of: tensors, outputs: wanted, failingAs: .invalidParameter) { results in
            try zip(wanted, results).map { try tensor($0, $1) }
        }
    }

    /// The labels that the maps of an output have, from an answer to one row.
    func labels(of output: String, answering tensors: [Tensor]) throws -> Tensor? {
        try withResults(of: tensors, outputs: [output], failingAs: .modelNotReadable) { try maps(output, $0[0]).labels }
    }

    /// Calls with the outputs, which live as long as the call.
    private func withResults<Answer>(
        of tensors: [Tensor],
        outputs wanted: [String],
        failingAs code: Failure.Code,
        _ body: ([OpaquePointer]) throws -> Answer
    ) throws -> Answer {
        var values: [OpaquePointer?] = []
        var buffers: [UnsafeMutableRawPointer] = []
        var results = [OpaquePointer?](repeating: nil, count: wanted.count)
        defer {
            for value in values + results { ort_release(library.table, Int32(ort_release_value), value) }
            for buffer in buffers { buffer.deallocate() }
        }
        for tensor in tensors { values.append(try value(of: tensor, &buffers)) }
        let status = withNames(tensors.map(\.name)) { inputNames in
            withNames(wanted) { outputNames in
                watched { options in
                    ort_run(
                        library.table,
                        session,
                        options,
                        inputNames,
                        values,
                        values.count,
                        outputNames,
                        wanted.count,
                        &results
                    )
                }
            }
        }
        do {
            try library.check(status)
        } catch let failure as Failure {
            throw Failure(code, failure.message)
        }
        let found = results.compactMap { $0 }
        guard found.count == wanted.count else { throw OnnxLibrary.failure("an output is missing") }
        return try body(found)
    }

    /// Runs with options by which another thread ends the run, where the graph has loops.
    private func watched(_ run: (OpaquePointer?) -> OpaquePointer?) -> OpaquePointer? {
        guard isWatched else { return run(nil) }
        var options: OpaquePointer?
        if let status = ort_create_run_options(library.table, &options) { return status }
        let watch = RunWatch(library: library, options: options)
        let timer = DispatchSource.makeTimerSource(queue: .global())
        timer.schedule(deadline: .now() + Self.longestRun)
        timer.setEventHandler { watch.terminate() }
        timer.resume()
        defer {
            timer.cancel()
            watch.release()
        }
        return run(options)
    }

    /// Calls with C strings that live as long as the call.
    private func withNames<Answer>(
        _ names: [String],
        _ body: ([UnsafePointer<CChar>?]) throws -> Answer
    ) rethrows -> Answer {
        let copies = names.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return try body(copies.map { UnsafePointer($0) })
    }

    private func value(of tensor: Tensor, _ buffers: inout [UnsafeMutableRawPointer]) throws -> OpaquePointer? {
        let shape = tensor.shape.map { Int64($0) }
        let number = Int32(Self.types.first { $0.value == tensor.type }?.key ?? 0)
        var value: OpaquePointer?
        if tensor.type == .bool, tensor.bytes.contains(where: { $0 > 1 }) {
            throw Failure(.invalidParameter, "input '\(tensor.name)' has values other than true and false")
        }
        if tensor.type == .bytes {
            // The library takes texts that end at the first zero.
            guard !tensor.texts.contains(where: { $0.contains(0) }) else {
                throw Failure(.invalidParameter, "input '\(tensor.name)' has a text with a zero byte")
            }
            try library.check(
                ort_create_tensor(library.table, library.allocator, shape, shape.count, number, &value)
            )
            for (index, text) in tensor.texts.enumerated() {
                let terminated = text.map { CChar(bitPattern: $0) } + [0]
                try library.check(ort_fill_text(library.table, value, terminated, index))
            }
            return value
        }
        // The library keeps no copy: the memory lives until the value is released.
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(tensor.bytes.count, 1), alignment: 16)
        buffers.append(buffer)
        tensor.bytes.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { buffer.copyMemory(from: start, byteCount: bytes.count) }
        }
        try library.check(
            ort_tensor_over(
                library.table,
                library.memory,
                buffer,
                tensor.bytes.count,
                shape,
                shape.count,
                number,
                &value
            )
        )
        return value
    }

    private func tensor(_ name: String, _ value: OpaquePointer) throws -> Tensor {
        var kind: Int32 = 0
        try library.check(ort_kind(library.table, 67, value, &kind))
        if kind == 2 { return try maps(name, value).tensor }
        var info: OpaquePointer?
        try library.check(ort_tensor_info(library.table, 65, value, &info))
        defer { ort_release(library.table, Int32(ort_release_tensor_info), info) }
        let (type, shape) = try Self.describe(library, info, name)
        let count = shape.reduce(1, *)
        guard let size = type.size else { return Tensor(name, shape, texts: try texts(value, count)) }
        var data: UnsafeMutableRawPointer?
        try library.check(ort_data(library.table, value, &data))
        let bytes = data.map { Array(UnsafeRawBufferPointer(start: $0, count: count * size)) } ?? []
        return Tensor(name, type, shape, bytes: bytes)
    }

    private func texts(_ value: OpaquePointer, _ count: Int) throws -> [[UInt8]] {
        var size = 0
        try library.check(ort_text_size(library.table, value, &size))
        var bytes = [UInt8](repeating: 0, count: size)
        var starts = [Int](repeating: 0, count: count)
        try library.check(ort_texts(library.table, value, &bytes, size, &starts, count))
        return starts.indices.map { index in
            let end = index + 1 < count ? starts[index + 1] : size
            return Array(bytes[min(starts[index], end)..<end])
        }
    }

    /// The maps of a sequence as a table, with the labels that are its columns.
    private func maps(_ name: String, _ value: OpaquePointer) throws -> (tensor: Tensor, labels: Tensor?) {
        var count = 0
        try library.check(ort_part_count(library.table, value, &count))
        var bytes: [UInt8] = []
        var labels: Tensor?
        for index in 0..<count {
            let map = try part(value, index)
            defer { ort_release(library.table, Int32(ort_release_value), map) }
            let (keys, numbers) = (try part(map, 0), try part(map, 1))
            defer {
                ort_release(library.table, Int32(ort_release_value), keys)
                ort_release(library.table, Int32(ort_release_value), numbers)
            }
            if labels == nil { labels = try tensor("labels", keys) }
            bytes += try tensor(name, numbers).bytes
        }
        let width = labels?.count ?? 0
        return (Tensor(name, .float32, [count, width], bytes: bytes), labels)
    }

    private func part(_ value: OpaquePointer, _ index: Int) throws -> OpaquePointer {
        var part: OpaquePointer?
        try library.check(ort_part(library.table, value, Int32(index), library.allocator, &part))
        guard let part else { throw OnnxLibrary.failure("a map without parts") }
        return part
    }
}

/// The options of a run, until the run is over.
// Safe to share: the pointer is only used under the lock, and not after it was released.
private final class RunWatch: @unchecked Sendable {
    private let library: OnnxLibrary
    private var options: OpaquePointer?
    private let lock = NSLock()

    init(library: OnnxLibrary, options: OpaquePointer?) {
        self.library = library
        self.options = options
    }

    /// Ends the run, if it goes on.
    func terminate() {
        lock.withLock {
            guard let options, let status = ort_terminate(library.table, options) else { return }
            ort_release(library.table, Int32(ort_release_status), status)
        }
    }

    func release() {
        lock.withLock {
            ort_release(library.table, Int32(ort_release_run_options), options)
            options = nil
        }
    }
}
